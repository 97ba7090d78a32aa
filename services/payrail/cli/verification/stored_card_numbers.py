"""No card number may stand in any file of the data directory. Ciphertext has none, so that no file is exempt.

What PayRail itself makes of many digits is taken out before a line is searched: ids, hashes in hex, decimal fractions
and times in milliseconds hold runs that pass for a card number by chance, once in some thousand lines.
"""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from payrail.cli.verification.findings import Report
from payrail.runtime.card_numbers import find_card_number

_CHUNK_BYTES = 1 << 20
#: A line longer than a chunk is searched in pieces that overlap by more than a card number with separators is long.
_OVERLAP_BYTES = 256

_MADE_BY_PAYRAIL = re.compile(
    r"(?<![0-9A-Za-z_])(?:"
    r"[a-z]+_[0-9A-HJKMNP-TV-Z]{26}"  # an id: prefix and ULID
    r"|[0-9a-f]{64}"  # a SHA-256: chain, fingerprints, keys of merchants
    r"|00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}"  # a W3C traceparent
    r")(?![0-9A-Za-z_])"
    r'|"(?:prev|hash|fingerprint)":"[0-9a-f]{0,64}$'  # a SHA-256 that a torn line cut short
    r"|(?<![0-9A-Za-z_.])-?\d{1,12}\.\d+(?:[eE][-+]?\d+)?(?![0-9A-Za-z_.])"  # a decimal fraction
    r'|(?<=":)\s*1\d{12}(?=\s*[,}])'  # milliseconds since 1970, as a JSON number
    r'|(?:(?<="offset_us":)|(?<="goal_us":))-?\d{1,18}(?=[,}])'  # how far the clock was moved, in microseconds
)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")
#: A quick look at a line, many times faster than a search: with every digit a zero and the separators gone, a card
#: number is a run of thirteen zeros. It shows only in text that is ASCII and escapes nothing.
_ZEROS = b"0" * 13
_DIGIT_TO_ZERO = bytes.maketrans(b"123456789", b"0" * 9)
_SEPARATORS = b" \t\r\v\f-._/"
_SPACES = {"n": " ", "t": " ", "r": " ", "f": " ", "b": " "}


class Secrets(Protocol):
    """What else may stand in no file."""

    def stands_in(self, line: bytes, name: str) -> bool:
        """Whether a secret stands in a line of the file with this name."""
        ...


def search_files(data_dir: Path, report: Report, secrets: Secrets, advance: Callable[[int], None]) -> None:
    """Search every file below `data_dir` that is not empty, names included; each line with one is a finding."""
    for path in files_below(data_dir):
        name = path.relative_to(data_dir).as_posix()
        if holds_card_number(name):
            report.find("card_number", str(path.parent.relative_to(data_dir)), None, "a file name holds one")
        try:
            _search(path, name, report, secrets, advance)
        except FileNotFoundError:
            continue  # A running stack replaced or removed it meanwhile.
        report.summary.files_scanned += 1


def files_below(data_dir: Path) -> Iterator[Path]:
    """The regular files, in order. Empty ones are never opened: to close a file frees the POSIX locks that this very
    process may have on it, and lock files are empty."""
    for directory, directories, names in os.walk(data_dir):
        directories.sort()
        for name in sorted(names):
            path = Path(directory, name)
            if path.is_file() and not path.is_symlink() and path.stat().st_size:
                yield path


def holds_card_number(text: str) -> bool:
    """Whether a card number stands in a line of a file, JSON escapes resolved."""
    plain = _ESCAPE.sub(_unescaped, text) if "\\" in text else text
    return find_card_number(_MADE_BY_PAYRAIL.sub("#", plain))


def _search(path: Path, name: str, report: Report, secrets: Secrets, advance: Callable[[int], None]) -> None:
    with path.open("rb") as file:
        number, overlap = 1, b""
        end = os.fstat(file.fileno()).st_size  # What is appended meanwhile is for the next time.
        while end > 0 and (piece := file.readline(min(_CHUNK_BYTES, end))):
            end -= len(piece)
            advance(len(piece))
            report.summary.bytes_scanned += len(piece)
            line = overlap + piece
            if _may_hold(line) and holds_card_number(line.decode("utf-8", "replace").rstrip("\n")):
                report.find("card_number", name, number, "a card number stands here")
            if secrets.stands_in(line, name):
                report.find("endpoint_secret", name, number, "a secret of webhook endpoints stands here")
            whole = piece.endswith(b"\n")
            number, overlap = (number + 1, b"") if whole else (number, line[-_OVERLAP_BYTES:])


def _may_hold(line: bytes) -> bool:
    return _ZEROS in line.translate(_DIGIT_TO_ZERO, _SEPARATORS) or b"\\" in line or not line.isascii()


def _unescaped(escape: re.Match[str]) -> str:
    if escape[1]:
        return chr(int(escape[1], 16))
    return _SPACES.get(escape[2], escape[2])
