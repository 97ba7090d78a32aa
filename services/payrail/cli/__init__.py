"""The `payrail` commands."""
