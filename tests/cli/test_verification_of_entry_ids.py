"""Ids of entries are compared part by part; none may stand twice, however far apart."""

import pytest

from payrail.cli.verification import Report
from payrail.cli.verification.entry_ids import EntryIds

Place = tuple[str, int]


def _found(report: Report) -> list[Place]:
    return sorted((finding.file, finding.line or 0) for finding in report.findings)


@pytest.mark.parametrize("part", [1, 7, 1_000])
def test_each_entry_with_the_id_of_one_before_it_is_named(part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("payrail.cli.verification.entry_ids._PART", part)
    report = Report()
    ids = EntryIds(report)
    for number in range(200):
        ids.add(f"le_{number}", ("payments", "refunds")[number % 2], number)
    ids.add("le_0", "disputes", 1)
    ids.add("le_199", "payments", 300)
    ids.add("le_0", "payments", 301)
    ids.finish()
    assert _found(report) == [("disputes", 1), ("payments", 300), ("payments", 301)]


def test_different_ids_are_as_they_may_be() -> None:
    report = Report()
    ids = EntryIds(report)
    for number in range(1_000):
        ids.add(f"le_{number}", "payments", number)
    ids.finish()
    assert report.sound
