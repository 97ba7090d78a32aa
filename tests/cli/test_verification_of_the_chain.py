"""Whatever is changed, lost, moved or added in the books is found, and the line is named."""

from collections.abc import Callable
from pathlib import Path

import pytest

from payrail.cli.verification import Finding, Report, verify_data_dir
from payrail.ledger.entry import BOOKS, Book, Draft
from payrail.runtime.journal import FileJournal
from stand_ins.forged_ledger import draft_of, resealed, write_books, write_ledger
from stand_ins.memory_journal import MemoryJournal
from stand_ins.payments import Desk, created, in_book, pay

Books = dict[str, list[bytes]]


@pytest.fixture(scope="module")
def drafts() -> list[Draft]:
    """Two captured payments, and entities in the other books, one among the lines of another."""
    journal = MemoryJournal()
    desk = Desk(journal)
    desk.captured(pay(1))
    _append(journal, "refunds", 2)
    _append(journal, "disputes", 3)
    desk.captured(pay(4), currency="JPY")
    _append(journal, "refunds", 5)
    _append(journal, "refunds", 6)
    desk.create(pay(7))
    _append(journal, "disputes", 8)
    return [draft_of(entry) for entry in journal.entries]


def _append(journal: MemoryJournal, book: Book, number: int) -> None:
    journal.append_now(book, in_book(book, created(pay(number))))


@pytest.fixture
def data_dir(tmp_path: Path, drafts: list[Draft]) -> Path:
    write_ledger(tmp_path, drafts)
    return tmp_path


def _books(data_dir: Path) -> Books:
    return {
        book: (data_dir / "ledger" / f"{book}.jsonl").read_bytes().splitlines(keepends=True) for book in BOOKS
    }


def _places(report: Report) -> list[tuple[str, int | None]]:
    return [(finding.file, finding.line) for finding in report.findings]


def _every_line(books: Books) -> list[tuple[str, int]]:
    return [(book, index) for book, lines in books.items() for index in range(len(lines))]


def test_a_sound_ledger_has_no_findings(data_dir: Path, drafts: list[Draft]) -> None:
    report = verify_data_dir(data_dir)
    assert report.findings == []
    assert report.summary.entries == len(drafts)
    assert report.summary.payments == 8
    assert report.summary.currencies["USD"].captured == 1000
    assert report.summary.currencies["JPY"].captured == 1000
    assert [totals.balance for totals in report.summary.currencies.values()] == [0, 0]


def _position_classes(line: bytes) -> set[int]:
    """Every kind of byte of a line: the ends, the first of each member's value, the hash, and steps in between."""
    positions = {0, 1, len(line) - 1, len(line) - 2, len(line) - 3, len(line) - 40, len(line) - 69}
    members = [at + 1 for at, byte in enumerate(line[:-1]) if byte == ord(":")]
    return positions | set(members[::5]) | set(range(0, len(line), 211))


def test_a_changed_byte_in_any_line_is_found_and_the_line_is_named(data_dir: Path) -> None:
    original = _books(data_dir)
    for book, index in _every_line(original):
        for position in _position_classes(original[book][index]):
            for changed_byte in {original[book][index][position] ^ 1, ord("\n")}:
                line = bytearray(original[book][index])
                if line[position] == changed_byte:
                    continue
                line[position] = changed_byte
                lines = [*original[book][:index], bytes(line), *original[book][index + 1 :]]
                write_books(data_dir, {**original, book: lines})
                report = verify_data_dir(data_dir)
                place = (f"ledger/{book}.jsonl", index + 1)
                assert _places(report)[:1] == [place], (place, position, changed_byte)
                assert report.findings_total - report.counts["card_number"] <= 2, report.findings


def test_a_changed_byte_costs_one_finding_and_not_a_flood(data_dir: Path) -> None:
    original = _books(data_dir)
    for book, index in _every_line(original):
        line = original[book][index].replace(b'"version":', b'"Version":')
        write_books(
            data_dir, {**original, book: [*original[book][:index], line, *original[book][index + 1 :]]}
        )
        report = verify_data_dir(data_dir)
        assert report.findings == [
            Finding("hash_chain", f"ledger/{book}.jsonl", index + 1, "the hash does not match the line")
        ]


def _after_in_sequence(books: Books, book: str, index: int) -> tuple[str, int] | None:
    """Where the entry stands that follows this one in the global sequence, once this line is gone."""
    ordered = sorted(
        (int(line[len(b'{"seq":') :].split(b",")[0]), name, number)
        for name, lines in books.items()
        for number, line in enumerate(lines)
    )
    at = next(n for n, (_seq, name, number) in enumerate(ordered) if (name, number) == (book, index))
    if at + 1 == len(ordered):
        return None
    _seq, name, number = ordered[at + 1]
    return f"ledger/{name}.jsonl", number + 1 - (name == book)


def test_a_deleted_line_is_found_and_what_stands_in_its_place_is_named(data_dir: Path) -> None:
    original = _books(data_dir)
    for book, index in _every_line(original):
        follower = _after_in_sequence(original, book, index)
        if follower is None:
            continue  # Without a note of the end, nothing tells that the very last line ever was.
        write_books(data_dir, {**original, book: original[book][:index] + original[book][index + 1 :]})
        report = verify_data_dir(data_dir)
        assert _places(report) == [follower]
        assert "missing" in report.findings[0].reason


def test_two_swapped_lines_are_found(data_dir: Path) -> None:
    original = _books(data_dir)
    for book, index in _every_line(original):
        if index + 1 == len(original[book]):
            continue
        lines = list(original[book])
        lines[index], lines[index + 1] = lines[index + 1], lines[index]
        write_books(data_dir, {**original, book: lines})
        found = _places(verify_data_dir(data_dir))
        assert (f"ledger/{book}.jsonl", index + 1) in found or (f"ledger/{book}.jsonl", index + 2) in found
        assert len(found) <= 3


def test_a_line_that_stands_twice_is_found_at_its_second_place(data_dir: Path) -> None:
    original = _books(data_dir)
    for book, index in _every_line(original):
        for place in {index + 1, len(original[book])}:
            lines = list(original[book])
            lines.insert(place, original[book][index])
            write_books(data_dir, {**original, book: lines})
            assert _places(verify_data_dir(data_dir)) == [(f"ledger/{book}.jsonl", place + 1)]


def test_an_inserted_line_is_found(data_dir: Path) -> None:
    original = _books(data_dir)
    for book, index in _every_line(original):
        lines = list(original[book])
        lines.insert(index, b'{"seq":1,"note":"put here by hand"}\n')
        write_books(data_dir, {**original, book: lines})
        assert _places(verify_data_dir(data_dir)) == [(f"ledger/{book}.jsonl", index + 1)]


def test_a_line_of_another_book_is_found(data_dir: Path) -> None:
    original = _books(data_dir)
    moved = original["refunds"][0]
    books = {**original, "refunds": original["refunds"][1:], "disputes": [moved, *original["disputes"]]}
    write_books(data_dir, books)
    report = verify_data_dir(data_dir)
    assert ("ledger/disputes.jsonl", 1) in _places(report)
    assert {finding.check for finding in report.findings} == {"book"}


def test_a_line_resealed_after_a_change_breaks_the_chain_at_the_line_after_it(data_dir: Path) -> None:
    original = _books(data_dir)
    lines = list(original["payments"])
    lines[3] = resealed(lines[3], lambda document: document.update(correlation_id="forged"))
    write_books(data_dir, {**original, "payments": lines})
    report = verify_data_dir(data_dir)
    assert _places(report) == [("ledger/payments.jsonl", 5)]
    assert "payments.jsonl line 4" in report.findings[0].reason


def test_an_emptied_or_missing_book_is_found(data_dir: Path) -> None:
    original = _books(data_dir)
    write_books(data_dir, {**original, "refunds": []})
    assert not verify_data_dir(data_dir).sound
    (data_dir / "ledger" / "refunds.jsonl").unlink()
    assert not verify_data_dir(data_dir).sound


def test_garbage_in_place_of_a_book_is_counted_and_not_kept(data_dir: Path) -> None:
    write_books(data_dir, {"refunds": [b"garbage\n"] * 5_000})
    report = verify_data_dir(data_dir)
    assert report.counts["hash_chain"] >= 5_000
    assert len(report.findings) == 1_000
    assert report.findings_total >= 5_000


def test_a_torn_tail_is_a_note_since_a_crash_leaves_one(data_dir: Path, drafts: list[Draft]) -> None:
    last = (data_dir / "ledger" / "disputes.jsonl").read_bytes().splitlines(keepends=True)[-1]
    following = last.replace(b'{"seq":%d,' % len(drafts), b'{"seq":%d,' % (len(drafts) + 1))
    for length in (1, 7, 10, 200, len(following) - 1):
        with (data_dir / "ledger" / "refunds.jsonl").open("ab") as file:
            file.write(following[:length])
        report = verify_data_dir(data_dir)
        assert report.findings == []
        assert [(note.kind, note.file, note.line) for note in report.notes] == [
            ("torn_tail", "ledger/refunds.jsonl", 4)
        ]
        with (data_dir / "ledger" / "refunds.jsonl").open("rb+") as file:
            file.truncate(file.seek(0, 2) - length)


def test_a_tail_that_no_crash_leaves_is_found(data_dir: Path, drafts: list[Draft]) -> None:
    with (data_dir / "ledger" / "refunds.jsonl").open("ab") as file:
        file.write(b'{"seq":%d,"id"' % (len(drafts) + 7))
    assert _places(verify_data_dir(data_dir)) == [("ledger/refunds.jsonl", 4)]


def test_a_line_cut_short_before_entries_of_other_books_is_found(data_dir: Path) -> None:
    original = _books(data_dir)
    for book in ("payments", "refunds"):
        for keep in (1, 9, 300, len(original[book][-1]) - 1):
            lines = [*original[book][:-1], original[book][-1][:keep]]
            write_books(data_dir, {**original, book: lines})
            report = verify_data_dir(data_dir)
            assert _places(report)[:1] == [(f"ledger/{book}.jsonl", len(lines))]
            assert len(report.findings) == 1


# ---- a ledger that was closed in order --------------------------------------------------------------------------


@pytest.fixture
async def closed_dir(data_dir: Path) -> Path:
    journal = await FileJournal.open(data_dir / "ledger", lambda: "le_unused")
    await journal.close()
    return data_dir


@pytest.mark.parametrize(
    ("damage", "place"),
    [
        pytest.param(lambda lines: lines[:-1], ("ledger/closed.json", 1), id="the last line deleted"),
        pytest.param(lambda _lines: [], ("ledger/closed.json", 1), id="the book emptied"),
        pytest.param(lambda lines: [lines[0], lines[1][:50]], ("ledger/disputes.jsonl", 2), id="cut short"),
        pytest.param(
            lambda lines: [lines[0], resealed(lines[1], lambda line: line.update(at="2020"))],
            ("ledger/disputes.jsonl", 2),
            id="the last line resealed",
        ),
    ],
)
def test_after_a_clean_stop_a_lost_end_is_found_too(
    closed_dir: Path, damage: Callable[[list[bytes]], list[bytes]], place: tuple[str, int]
) -> None:
    assert verify_data_dir(closed_dir).sound
    original = _books(closed_dir)
    write_books(closed_dir, {**original, "disputes": damage(original["disputes"])})
    assert place in _places(verify_data_dir(closed_dir))


def test_every_truncation_of_a_ledger_that_was_closed_in_order_is_found(closed_dir: Path) -> None:
    original = _books(closed_dir)
    for book in BOOKS:
        content = b"".join(original[book])
        for length in range(0, len(content), 97):
            write_books(closed_dir, {**original, book: [content[:length]]})
            assert not verify_data_dir(closed_dir).sound, (book, length)


async def test_the_next_start_after_a_clean_stop_takes_a_torn_tail_for_a_crash(closed_dir: Path) -> None:
    """What a start has quarantined is reported there; it is not held against the ledger for ever."""
    original = _books(closed_dir)
    write_books(closed_dir, {**original, "disputes": [original["disputes"][0], original["disputes"][1][:50]]})
    journal = await FileJournal.open(closed_dir / "ledger", lambda: "le_unused")
    assert verify_data_dir(closed_dir).sound
    await journal.close()
    report = verify_data_dir(closed_dir)
    assert report.sound
    assert [note.kind for note in report.notes] == ["quarantine"]


def test_an_unreadable_note_of_the_end_is_found(closed_dir: Path) -> None:
    (closed_dir / "ledger" / "closed.json").write_text("{}")
    assert _places(verify_data_dir(closed_dir)) == [("ledger/closed.json", 1)]
