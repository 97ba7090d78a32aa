"""The ledger's books as the jobs take them: scanned where a day has too many lines to be folded, and entered into."""
