"""The files beside the ledger can be read, and the vault's keys are its owner's alone."""

import base64
from pathlib import Path

import msgspec
import pytest

from payrail.cli.verification import Report, verify_data_dir
from payrail.runtime.keyed_store import KeyedStore

KEYS = {
    "version": 1,
    "fingerprint_key": "a" * 44,
    "encryption_keys": [
        {"id": "vk_1", "created_at": "2025", "key": base64.urlsafe_b64encode(b"k" * 32).decode()}
    ],
}


def _found(report: Report) -> list[tuple[str, str, int | None]]:
    return [(finding.check, finding.file, finding.line) for finding in report.findings]


def _write(data_dir: Path, name: str, content: bytes, mode: int = 0o644) -> None:
    path = data_dir / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)


@pytest.fixture
async def vault_dir(tmp_path: Path) -> Path:
    """A data directory with a keyed store that holds records in its snapshot and in its log, and with keys."""
    store = KeyedStore.open(_made(tmp_path / "vault") / "tokens.json", mode=0o600)
    await store.put("tok_1", {"bin": "424242"})
    await store.compact()
    await store.put("tok_2", {"bin": "400000"})
    await store.delete("tok_1")
    await store.close()
    _write(tmp_path, "vault/keys.json", msgspec.json.encode(KEYS), 0o600)
    _write(tmp_path, "vault/access_log.jsonl", b'{"at":"2025"}\n')
    return tmp_path


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True)
    return directory


def test_sound_documents_have_no_findings(vault_dir: Path) -> None:
    assert verify_data_dir(vault_dir).findings == []


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o400 | 0o004])
def test_keys_that_others_may_read_are_found(vault_dir: Path, mode: int) -> None:
    (vault_dir / "vault" / "keys.json").chmod(mode)
    assert _found(verify_data_dir(vault_dir)) == [("file_mode", "vault/keys.json", None)]


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b'{"version":1,"fingerprint_key":"a","encryption_keys":[]}']
)
def test_a_key_file_without_keys_is_found(vault_dir: Path, content: bytes) -> None:
    _write(vault_dir, "vault/keys.json", content, 0o600)
    assert _found(verify_data_dir(vault_dir)) == [("document", "vault/keys.json", None)]


@pytest.mark.parametrize("content", [b"{", b'{"items":{}}', b'{"version":1,"items":{"tok_1":3}}', b"\xff"])
def test_a_snapshot_that_is_none_is_found(vault_dir: Path, content: bytes) -> None:
    _write(vault_dir, "vault/tokens.json", content)
    assert _found(verify_data_dir(vault_dir)) == [("document", "vault/tokens.json", None)]


def test_a_snapshot_of_another_format_is_found(vault_dir: Path) -> None:
    _write(vault_dir, "vault/tokens.json", b'{"version":2,"items":{}}')
    assert _found(verify_data_dir(vault_dir)) == [("document", "vault/tokens.json", 1)]


def test_a_broken_line_of_a_store_or_a_log_is_found_and_named(vault_dir: Path) -> None:
    _write(vault_dir, "vault/tokens.json.log", b'{"put":{"a":{}}}\n{"put":[]}\n{"delete":["a"]}\n')
    _write(vault_dir, "vault/access_log.jsonl", b'{"at":"2025"}\n{"at":"20\n')
    assert _found(verify_data_dir(vault_dir)) == [
        ("document", "vault/access_log.jsonl", 2),
        ("document", "vault/tokens.json.log", 2),
    ]


def test_an_unfinished_last_line_is_a_note_since_it_may_just_be_written(vault_dir: Path) -> None:
    _write(vault_dir, "vault/access_log.jsonl", b'{"at":"2025"}\n{"at":"20')
    report = verify_data_dir(vault_dir)
    assert report.sound
    assert [(note.kind, note.file, note.line) for note in report.notes] == [
        ("torn_tail", "vault/access_log.jsonl", 2)
    ]


def test_a_quarantine_file_is_a_note(vault_dir: Path) -> None:
    _write(vault_dir, "vault/access_log.jsonl.quarantine", b'{"at":"20\n')
    report = verify_data_dir(vault_dir)
    assert report.sound
    assert [note.kind for note in report.notes] == ["quarantine"]


def test_an_empty_data_directory_is_sound(tmp_path: Path) -> None:
    report = verify_data_dir(tmp_path)
    assert report.sound
    assert report.summary.entries == 0
