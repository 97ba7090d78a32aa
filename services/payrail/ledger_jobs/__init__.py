"""Background jobs over the ledger."""
