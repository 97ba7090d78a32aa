"""Reconciling a day: what ledger, settlement file and providers say of the same money, and where they differ."""
