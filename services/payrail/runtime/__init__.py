"""Plumbing without business nouns: logs on disk, the journal, stores, clock, ids, settings and the contract
app."""
