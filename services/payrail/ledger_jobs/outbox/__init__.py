"""Webhooks to merchants: every event of the ledger, once and in order, to each endpoint that wants it."""
