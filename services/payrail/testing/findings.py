"""What a test fails with when the data that it leaves do not prove themselves."""

from collections.abc import Sequence
from pathlib import Path

from payrail.cli.verification import Finding, verify_data_dir

_SHOWN_MAX = 20


class DataNotSound(AssertionError):
    """The files of a data directory are not what they must be: `findings` says what and where."""

    def __init__(self, data_dir: Path, findings: Sequence[Finding], total: int) -> None:
        lines = [f"PayRail's data in {data_dir} do not verify:"]
        lines += [f"  {_place(one)}: {one.check}: {one.reason}" for one in findings[:_SHOWN_MAX]]
        if total > _SHOWN_MAX:
            lines.append(f"  … and {total - _SHOWN_MAX} more")
        super().__init__("\n".join(lines))
        self.data_dir = data_dir
        self.findings = findings


def require_sound(data_dir: Path) -> None:
    """As `payrail verify`. Raises `DataNotSound`."""
    report = verify_data_dir(data_dir)
    if not report.sound:
        raise DataNotSound(data_dir, report.findings, report.findings_total)


def _place(finding: Finding) -> str:
    return finding.file if finding.line is None else f"{finding.file} line {finding.line}"
