"""The vault's keys: those that encrypt cards, newest first, and the one that makes fingerprints.

They live in ``keys.json``, mode 0600, and nowhere else.
"""

import base64
import binascii
import hmac
import logging
import os
from pathlib import Path
from typing import Self

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from payrail.runtime.clock import Clock, rfc3339
from payrail.runtime.durable_file import ReplaceFaults, replace_file
from payrail.runtime.ids import IdSource
from payrail.vault.errors import CardUnreadable, VaultUnusable

FORMAT_VERSION = 1
MODE = 0o600
FINGERPRINT_KEY_BYTES = 32
FINGERPRINT_BYTES = 20  # 160 bits: no two numbers collide, and base 32 writes them without padding.

REPLACE = ReplaceFaults("vault.keys")

logger = logging.getLogger(__name__)


class EncryptionKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One Fernet key; ``id`` names it and tells nothing about it."""

    id: str
    created_at: str
    key: str

    def __repr__(self) -> str:
        return f"EncryptionKey({self.id})"


class _KeysFile(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    fingerprint_key: str
    encryption_keys: list[EncryptionKey]


class SealedCard(msgspec.Struct, forbid_unknown_fields=True):
    """What is encrypted. The token inside keeps one card's ciphertext from passing as another's."""

    token: str
    number: str
    holder_name: str | None

    def __repr__(self) -> str:
        return "SealedCard(…)"


class Keyring:
    """Encrypts with the first key and decrypts with each; makes fingerprints with a key that never
    changes."""

    def __init__(
        self, path: Path, fingerprint_key: bytes, keys: list[EncryptionKey], clock: Clock, ids: IdSource
    ) -> None:
        self._path = path
        self._fingerprint_key = fingerprint_key
        self._clock = clock
        self._ids = ids
        self._use(keys)

    @classmethod
    def open(cls, path: Path, *, clock: Clock, ids: IdSource) -> Self:
        """Read the keys, or make the first ones. Raises `VaultUnusable` for a file that holds none."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            fingerprint_key, keys = _read(path)
            return cls(path, fingerprint_key, keys, clock, ids)
        keyring = cls(path, os.urandom(FINGERPRINT_KEY_BYTES), [_new_key(clock, ids)], clock, ids)
        keyring._write(keyring._keys)
        return keyring

    def __repr__(self) -> str:
        return f"Keyring({self._path.name}, {len(self._keys)} keys)"

    @property
    def active_id(self) -> str:
        """The key that encrypts from now on."""
        return self._keys[0].id

    @property
    def older_ids(self) -> list[str]:
        """Keys that still decrypt, and are to be retired; there are some only while a rotation is
        unfinished."""
        return [key.id for key in self._keys[1:]]

    def fingerprint(self, number: str) -> str:
        """Equal for equal numbers; base 32, since a long run of digits would look like a card number."""
        digest = hmac.digest(self._fingerprint_key, number.encode(), "sha256")[:FINGERPRINT_BYTES]
        return "fp_" + base64.b32encode(digest).decode().lower()

    def seal(self, token: str, number: str, holder_name: str | None) -> dict[str, str]:
        """The card as it is stored: ciphertext and the id of the key that made it."""
        plain = msgspec.json.encode(SealedCard(token, number, holder_name))
        now_s = self._clock.now_ms() // 1000
        return {
            "key_id": self.active_id,
            "ciphertext": self._fernet.encrypt_at_time(plain, now_s).decode(),
        }

    def unseal(self, token: str, sealed: dict[str, str]) -> SealedCard:
        """The card of a token. Raises `CardUnreadable` without a word of what was read."""
        try:
            card = msgspec.json.decode(self._fernet.decrypt(sealed["ciphertext"]), type=SealedCard)
        except (InvalidToken, msgspec.DecodeError, KeyError):
            raise CardUnreadable from None
        if card.token != token:
            raise CardUnreadable
        return card

    def add_key(self) -> str:
        """Make a new key the active one, durably; the older ones still decrypt. Returns its id."""
        keys = [_new_key(self._clock, self._ids), *self._keys]
        self._write(keys)
        self._use(keys)
        return self.active_id

    def retire_older(self) -> list[str]:
        """Forget every key but the active one, in the file and in memory; returns their ids."""
        retired = self.older_ids
        self._write(self._keys[:1])
        self._use(self._keys[:1])
        return retired

    def _use(self, keys: list[EncryptionKey]) -> None:
        self._keys = keys
        self._fernet = MultiFernet([Fernet(key.key) for key in keys])

    def _write(self, keys: list[EncryptionKey]) -> None:
        fingerprint_key = base64.urlsafe_b64encode(self._fingerprint_key).decode()
        content = msgspec.json.encode(_KeysFile(FORMAT_VERSION, fingerprint_key, keys))
        replace_file(self._path, [msgspec.json.format(content), b"\n"], mode=MODE, points=REPLACE)


def _new_key(clock: Clock, ids: IdSource) -> EncryptionKey:
    return EncryptionKey(ids.new("vk"), rfc3339(clock.now()), Fernet.generate_key().decode())


def _read(path: Path) -> tuple[bytes, list[EncryptionKey]]:
    """The fingerprint key and the encryption keys; no error quotes the file."""
    try:
        file = msgspec.json.decode(path.read_bytes(), type=_KeysFile)
        fingerprint_key = base64.urlsafe_b64decode(file.fingerprint_key)
        for key in file.encryption_keys:
            Fernet(key.key)
    except (msgspec.DecodeError, binascii.Error, ValueError):
        raise VaultUnusable(f"{path} cannot be read as a key file; put the right one back") from None
    if (
        file.version != FORMAT_VERSION
        or not file.encryption_keys
        or len(fingerprint_key) != FINGERPRINT_KEY_BYTES
    ):
        raise VaultUnusable(f"{path} is no complete key file of version {FORMAT_VERSION}")
    if path.stat().st_mode & 0o077:
        logger.warning("%s could be read by others than its owner; its mode is 0600 again", path)
        path.chmod(MODE)
    return fingerprint_key, file.encryption_keys
