"""The cards: tokens in the clear, numbers encrypted, each in a keyed store of its own.

A card is written before its token, each durable before the next step. So after any crash every token has its
card; a card without a token was never acknowledged, and is set aside when the vault opens.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, Self
from weakref import WeakValueDictionary

import msgspec

from payrail.runtime import faults
from payrail.runtime.append_log import LogUnavailable
from payrail.runtime.clock import Clock, rfc3339
from payrail.runtime.ids import IdSource
from payrail.runtime.keyed_store import KeyedStore, Record
from payrail.runtime.log_lines import append_to_quarantine
from payrail.vault.cards import Card
from payrail.vault.errors import CardUnreadable, TokenNotFound, VaultUnavailable, VaultUnusable
from payrail.vault.keyring import MODE, Keyring, SealedCard

TOKENS_FILE = "tokens.json"
CARDS_FILE = "encrypted_cards.json"
KEYS_FILE = "keys.json"

_TRIED_MAX = 64  # Some damaged cards must not make the right keys look foreign.

CARD_STORED = faults.declare("vault.tokenize.card_stored", "the encrypted card is durable, its token is not")
TOKEN_STORED = faults.declare("vault.tokenize.token_stored", "card and token are durable, nobody was told")

logger = logging.getLogger(__name__)

Owner = tuple[str, str]  # A merchant and the fingerprint of a number: who has which card.


class CardStore:
    """Takes cards in, gives them out to their merchant, and encrypts them anew."""

    def __init__(
        self, tokens: KeyedStore, cards: KeyedStore, keyring: Keyring, clock: Clock, ids: IdSource
    ) -> None:
        self.keyring = keyring
        self._tokens = tokens
        self._cards = cards
        self._clock = clock
        self._ids = ids
        self._token_of: dict[Owner, str] = {_owner(record): token for token, record in tokens.items()}
        self._locks: WeakValueDictionary[Owner, asyncio.Lock] = WeakValueDictionary()
        self._seals_in_flight: Counter[str] = Counter()
        self._seal_landed = asyncio.Event()
        self._writes: set[asyncio.Task[str]] = set()
        self._unreadable: set[str] = set()  # Tokens of cards that were tried in vain.

    @classmethod
    async def open(cls, directory: Path, *, clock: Clock, ids: IdSource) -> Self:
        """Open the vault's files for this process alone.

        Raises `VaultUnusable` when they do not fit together, `StoreCorrupt` when one cannot be read, and
        `LockHeld` when another process has them.
        """
        _make_private(directory)
        async with AsyncExitStack() as opened:
            cards = KeyedStore.open(directory / CARDS_FILE, name="vault.cards", mode=MODE)
            opened.push_async_callback(cards.close)
            _check_files_beside(directory, cards)
            tokens = KeyedStore.open(directory / TOKENS_FILE, name="vault.tokens", mode=MODE)
            opened.push_async_callback(tokens.close)
            await _recover(directory, tokens, cards)
            keyring = Keyring.open(directory / KEYS_FILE, clock=clock, ids=ids)
            _check_keys(directory, keyring, tokens, cards)
            opened.pop_all()
            return cls(tokens, cards, keyring, clock, ids)

    async def close(self) -> None:
        """Finish the writes that run, then release the files."""
        if self._writes:
            await asyncio.wait(self._writes)
        await self._tokens.close()
        await self._cards.close()

    @property
    def available(self) -> bool:
        """Whether the last write of each file succeeded."""
        return self._tokens.available and self._cards.available

    async def tokenize(self, merchant_id: str, card: Card) -> str:
        """The token of a card, the same each time for one number of one merchant; returns when all is
        durable.

        Expiry and name are those given last; a card given without a name keeps the one it had. One that could not
        be read is replaced.
        Raises `VaultUnavailable` when the disk takes no writes.
        """
        owner = (merchant_id, self.keyring.fingerprint(card.number))
        token = self._token_of.get(owner)
        known = None if token is None else self._tokens.get(token)
        if token is not None and not self._may_change(token, card) and not _expiry_differs(known, card):
            return token
        return await self._finish(self._write(owner, card))

    def describe(self, merchant_id: str, token: str) -> Record:
        """What may be known of a card outside the vault. Raises `TokenNotFound`, also for another
        merchant's."""
        record = self._tokens.get(token)
        if record is None or record["merchant_id"] != merchant_id:
            raise TokenNotFound
        shown = ("brand", "bin", "last4", "exp_month", "exp_year", "fingerprint")
        return {"token": token, **{name: record[name] for name in shown}}

    def reveal(self, merchant_id: str, token: str) -> Record:
        """The card with its number, for a charge. Raises `TokenNotFound` as `describe` does, and `CardUnreadable`."""
        known = self.describe(merchant_id, token)
        sealed = self._unseal(token)
        return {
            "number": sealed.number,
            "holder_name": sealed.holder_name,
            **{name: known[name] for name in ("exp_month", "exp_year", "brand", "last4")},
        }

    def _unseal(self, token: str) -> SealedCard:
        try:
            return self.keyring.unseal(token, self._cards.get(token) or {})
        except CardUnreadable:
            self._unreadable.add(token)
            raise

    # ---- writing ------------------------------------------------------------------------------------------

    async def _finish(self, write: Coroutine[Any, Any, str]) -> str:
        """Run a write to its end even if its caller gives up: half of it must not be left to the next
        request."""
        task = asyncio.create_task(write)
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)
        try:
            return await asyncio.shield(task)
        except LogUnavailable as error:
            raise VaultUnavailable from error

    async def _write(self, owner: Owner, card: Card) -> str:
        async with self._alone_with(owner):
            token = self._token_of.get(owner)
            if token is None:
                return await self._add(owner, card)
            await self._update(token, card)
            return token

    async def _add(self, owner: Owner, card: Card) -> str:
        token = self._ids.new("tok")
        with self._sealing():
            await self._cards.put(token, self.keyring.seal(token, card.number, card.holder_name))
        faults.point(CARD_STORED)
        record = {
            "merchant_id": owner[0],
            "fingerprint": owner[1],
            "brand": card.brand,
            "bin": card.bin,
            "last4": card.last4,
            "exp_month": card.exp_month,
            "exp_year": card.exp_year,
            "created_at": rfc3339(self._clock.now()),
        }
        await self._tokens.put(token, record)
        faults.point(TOKEN_STORED)
        self._token_of[owner] = token
        return token

    async def _update(self, token: str, card: Card) -> None:
        if self._may_change(token, card) and self._differs(token, card):
            with self._sealing():
                await self._cards.put(token, self.keyring.seal(token, card.number, card.holder_name))
            self._unreadable.discard(token)
        record = self._tokens.get(token)
        if record is not None and _expiry_differs(record, card):
            expiry = {"exp_month": card.exp_month, "exp_year": card.exp_year}
            await self._tokens.put(token, {**record, **expiry})

    def _may_change(self, token: str, card: Card) -> bool:
        """Whether what is encrypted may be another card than the one given; to know it, it must be decrypted."""
        return card.holder_name is not None or token in self._unreadable

    def _differs(self, token: str, card: Card) -> bool:
        try:
            known = self._unseal(token)
        except CardUnreadable:
            return True
        return card.holder_name is not None and known.holder_name != card.holder_name

    @asynccontextmanager
    async def _alone_with(self, owner: Owner) -> AsyncIterator[None]:
        """One writer per card; the lock of a card that nobody writes does not exist."""
        lock = self._locks.setdefault(owner, asyncio.Lock())
        async with lock:
            yield

    @contextmanager
    def _sealing(self) -> Iterator[None]:
        """Marks a ciphertext of the active key as on its way to disk, so that a rotation does not miss it."""
        key_id = self.keyring.active_id
        self._seals_in_flight[key_id] += 1
        try:
            yield
        finally:
            self._seals_in_flight[key_id] -= 1
            self._seal_landed.set()

    # ---- encrypting anew ----------------------------------------------------------------------------------

    async def until_landed(self, key_ids: Sequence[str]) -> None:
        """Return when no ciphertext of these keys is on its way to disk any more."""
        while any(self._seals_in_flight[key_id] for key_id in key_ids):
            self._seal_landed.clear()
            await self._seal_landed.wait()

    def sealed_with_older_keys(self) -> list[str]:
        """The tokens of the cards that the active key does not decrypt."""
        active_id = self.keyring.active_id
        return [token for token, sealed in self._cards.items() if sealed["key_id"] != active_id]

    def to_be_resealed(self) -> list[str]:
        """Those of them that can be decrypted, as far as it was tried."""
        return [token for token in self.sealed_with_older_keys() if token not in self._unreadable]

    async def reseal(self, tokens: Sequence[str]) -> int:
        """Encrypt these cards with the active key; returns how many of them needed it. Those that cannot be read
        stay as they are."""
        async with AsyncExitStack() as alone:
            records = {token: self._tokens.get(token) for token in tokens}
            for owner in sorted({_owner(record) for record in records.values() if record is not None}):
                await alone.enter_async_context(self._alone_with(owner))
            renewed: dict[str, Record] = {}
            for token in tokens:
                sealed = self._cards.get(token)
                if sealed is not None and sealed["key_id"] != self.keyring.active_id:
                    with suppress(CardUnreadable):
                        card = self._unseal(token)
                        renewed[token] = self.keyring.seal(token, card.number, card.holder_name)
            try:
                with self._sealing():
                    await self._cards.apply(put=renewed)
            except LogUnavailable as error:
                raise VaultUnavailable from error
            return len(renewed)

    async def drop_old_ciphertexts(self) -> None:
        """Rewrite the file of cards, so that nothing sealed with an older key is left in it."""
        await self._cards.compact()


def _make_private(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)


def _check_files_beside(directory: Path, cards: KeyedStore) -> None:
    """A lost file must not look like a first start: empty ones would be made, and every card given up."""
    for name in (TOKENS_FILE, KEYS_FILE):
        if len(cards) and not (directory / name).exists():
            raise VaultUnusable(f"{directory / name} is missing, but {CARDS_FILE} holds cards; put it back")


async def _recover(directory: Path, tokens: KeyedStore, cards: KeyedStore) -> None:
    """Set cards aside that a crash left without a token. A token without a card is no crash's work: refuse
    it."""
    without_card = sum(token not in cards for token, _ in tokens.items())
    if without_card:
        raise VaultUnusable(f"{directory / CARDS_FILE} lacks the cards of {without_card} tokens; put it back")
    left = {token: sealed for token, sealed in cards.items() if token not in tokens}
    if left:
        lines = b"".join(msgspec.json.encode({token: sealed}) + b"\n" for token, sealed in left.items())
        quarantine = append_to_quarantine(directory / CARDS_FILE, lines)
        logger.warning("%d encrypted cards without a token moved to %s", len(left), quarantine)
        await cards.apply(delete=list(left))


def _check_keys(directory: Path, keyring: Keyring, tokens: KeyedStore, cards: KeyedStore) -> None:
    """Another installation's key file must not pass for this one's: no card could be charged, and every number
    given again would get a second token. Every key in use has to be there, and some card has to open; that one does
    not is no reason to refuse all others."""
    known = {keyring.active_id, *keyring.older_ids}
    named = all(sealed["key_id"] in known for _, sealed in cards.items())
    tried = islice(cards.items(), _TRIED_MAX)
    if named and (not len(cards) or any(_is_of(keyring, token, sealed, tokens) for token, sealed in tried)):
        return
    raise VaultUnusable(
        f"{directory / KEYS_FILE} does not open the cards of {CARDS_FILE}; "
        "put back the key file that belongs to this data directory"
    )


def _is_of(keyring: Keyring, token: str, sealed: Record, tokens: KeyedStore) -> bool:
    try:
        number = keyring.unseal(token, sealed).number
    except CardUnreadable:
        return False
    known = tokens.get(token)
    return known is not None and known["fingerprint"] == keyring.fingerprint(number)


def _owner(record: Record) -> Owner:
    return (record["merchant_id"], record["fingerprint"])


def _expiry_differs(record: Record | None, card: Card) -> bool:
    return record is None or (record["exp_month"], record["exp_year"]) != (card.exp_month, card.exp_year)
