"""Pure money truths: money, accounts, postings, entries, the hash chain and the folds."""
