"""Proving a data directory from its files alone, without writing to it: one file for each family of checks."""

from payrail.cli.verification.findings import Finding, Note, Report
from payrail.cli.verification.proof import Progress, verify_data_dir
from payrail.runtime.journal.ledger_snapshot import LedgerBusy

__all__ = ["Finding", "LedgerBusy", "Note", "Progress", "Report", "verify_data_dir"]
