"""What the ledger jobs entered, as the wire and the events show it."""

from typing import Any

from msgspec.structs import asdict

from payrail.ledger.settlement import JobRecord, Settlement


def record_view(record: JobRecord) -> dict[str, Any]:
    """The record with its amounts in minor units; `version` counts its entries."""
    view = asdict(record)
    del view["seq"]
    if isinstance(record, Settlement):
        view["totals"] = [asdict(total) for total in record.totals]
        view["status"] = "final"
    elif "lines" in view:
        view["lines"] = [asdict(line) for line in view["lines"]]
    return view
