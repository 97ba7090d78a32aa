"""The documents beside the ledger: each can be read, and keys are readable by their owner alone.

Every `*.json.log` belongs to a keyed store: a snapshot of its name beside it, and changes. Other `*.json` are documents
of their own, `*.jsonl` are logs of one object a line. A last line without its newline is being written right now, or a
crash cut it; the next start of its owner quarantines it.
"""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from payrail.cli.verification.book_lines import LineReader
from payrail.cli.verification.findings import Report
from payrail.cli.verification.outbox import SIGNING_KEY
from payrail.cli.verification.stored_card_numbers import files_below
from payrail.runtime.stored_items import FORMAT_VERSION

_KEYS_MODE = 0o600
_OWNERS_ALONE = ("vault/keys.json", SIGNING_KEY)


class _Snapshot(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    items: dict[str, dict[str, msgspec.Raw]]


class _Change(msgspec.Struct, forbid_unknown_fields=True):
    put: dict[str, dict[str, msgspec.Raw]] = {}
    delete: list[str] = []


class _VaultKey(msgspec.Struct):
    id: str
    key: str


class _VaultKeys(msgspec.Struct):
    version: int
    fingerprint_key: str
    encryption_keys: list[_VaultKey]


_decode_snapshot = msgspec.json.Decoder(_Snapshot).decode
_decode_change = msgspec.json.Decoder(_Change).decode
_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_any = msgspec.json.Decoder().decode
_decode_keys = msgspec.json.Decoder(_VaultKeys).decode


def judge_documents(data_dir: Path, report: Report) -> None:
    """Judge every file beside the ledger's."""
    for path in files_below(data_dir):
        name = path.relative_to(data_dir).as_posix()
        if name.startswith("ledger/") and not name.endswith(".quarantine"):
            continue
        try:
            _judge(path, name, report)
        except FileNotFoundError:
            continue  # A running stack replaced or removed it meanwhile.
    _judge_keys_mode(data_dir, report)


def _judge(path: Path, name: str, report: Report) -> None:
    if name.endswith(".quarantine"):
        report.note(
            "quarantine", name, None, f"{path.stat().st_size} bytes that a crash cut off a file's end"
        )
    elif name.endswith(".json.log"):
        _judge_lines(path, name, _decode_change, report)
    elif name.endswith(".jsonl"):
        _judge_lines(path, name, _decode_object, report)
    elif name == "vault/keys.json":
        _judge_whole(path, name, _decode_keys, report)
    elif name.endswith(".json"):
        _judge_whole(path, name, _decoder_of(path), report)


def _decoder_of(path: Path) -> Callable[[bytes], Any]:
    return _decode_snapshot if path.with_name(path.name + ".log").exists() else _decode_any


def _judge_whole(path: Path, name: str, decode: Callable[[bytes], Any], report: Report) -> None:
    try:
        document = decode(path.read_bytes())
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        report.find("document", name, None, f"it cannot be read: {error}")
        return
    if isinstance(document, _Snapshot) and document.version != FORMAT_VERSION:
        report.find("document", name, 1, f"format version {document.version} is not {FORMAT_VERSION}")
    if isinstance(document, _VaultKeys) and not document.encryption_keys:
        report.find("document", name, None, "it holds no encryption key")


def _judge_lines(path: Path, name: str, decode: Callable[[bytes], Any], report: Report) -> None:
    reader = LineReader(path, path.stat().st_size)
    number = 0
    for number, line in reader.lines():
        try:
            decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            report.find("document", name, number, f"the line cannot be read: {error}")
    if reader.tail:
        reason = f"{len(reader.tail)} bytes of an unfinished line: being written, or cut short by a crash"
        report.note("torn_tail", name, number + 1, reason)


def _judge_keys_mode(data_dir: Path, report: Report) -> None:
    for name in _OWNERS_ALONE:
        path = data_dir / name
        if not path.exists():
            continue
        mode = stat.S_IMODE(os.stat(path).st_mode)  # noqa: PTH116 - the file's own mode, beside stat's names
        if mode != _KEYS_MODE:
            report.find("file_mode", name, None, f"mode {mode:04o}, not {_KEYS_MODE:04o}")
