"""One file per operation, read top to bottom as business steps."""
