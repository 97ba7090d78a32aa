"""Writes ledgers line by line, sound ones and such as no journal would write."""

from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from payrail.ledger.entry import BOOKS, GENESIS, Draft, Entry, seal


def draft_of(entry: Entry, **changes: Any) -> Draft:
    """The entry as it was decided, with `changes`."""
    fields = {name: getattr(entry, name) for name in Draft.__struct_fields__}
    return Draft(**{**fields, **changes})


def write_ledger(data_dir: Path, drafts: Iterable[Draft]) -> list[bytes]:
    """Seal the drafts into one sound chain, whatever they say, and write it to the three books."""
    prev, lines = GENESIS, []
    books: dict[str, list[bytes]] = {book: [] for book in BOOKS}
    for seq, draft in enumerate(drafts, start=1):
        entry, line = seal(draft, seq=seq, entry_id=f"le_01JD{seq:A>22}", prev=prev)
        prev = entry.hash
        books[draft.book].append(line)
        lines.append(line)
    write_books(data_dir, books)
    return lines


def write_books(data_dir: Path, books: dict[str, list[bytes]]) -> None:
    """Write the lines of each book as they are."""
    directory = data_dir / "ledger"
    directory.mkdir(parents=True, exist_ok=True)
    for book, lines in books.items():
        (directory / f"{book}.jsonl").write_bytes(b"".join(lines))


def resealed(line: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """The line with its content changed and a hash that covers the change."""
    document = msgspec.json.decode(line)
    change(document)
    del document["hash"]
    body = msgspec.json.encode(document)[:-1]
    return body + b',"hash":"' + sha256(body).hexdigest().encode() + b'"}\n'


def rechain(data_dir: Path, change: Callable[[bytes], bytes]) -> None:
    """Write a ledger anew, as one would who knows how it is made: each line changed, and the chain sound again.

    `change` gets a line up to its hash and its closing brace.
    """
    paths = {book: data_dir / "ledger" / f"{book}.jsonl" for book in BOOKS}
    lines = [(book, line) for book, path in paths.items() for line in path.read_bytes().splitlines()]
    lines.sort(key=lambda placed: msgspec.json.decode(placed[1])["seq"])
    prev, books = GENESIS.encode(), dict[str, list[bytes]]((book, []) for book in BOOKS)
    for book, line in lines:
        body = change(line[: line.rindex(b',"hash":"')])
        start = body.index(b'"prev":"') + len(b'"prev":"')
        body = body[:start] + prev + body[start + len(prev) :]
        prev = sha256(body).hexdigest().encode()
        books[book].append(body + b',"hash":"' + prev + b'"}\n')
    write_books(data_dir, books)
