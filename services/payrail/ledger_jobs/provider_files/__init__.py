"""What the providers say themselves: their settlement files, downloaded and read."""
