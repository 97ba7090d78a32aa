"""Circuit breakers in files that all processes of a data directory share: `providers/<id>_state.json`.

Reading costs no system call; a success while nothing has failed writes nothing and locks nothing. Only a failure, and
what ends a row of failures, takes the file's lock, so that each failure counts once whichever process saw it.

A probe is a lease: its process holds it while the call lasts, and the kernel gives it back if the process dies.
"""

import contextlib
import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from payrail.gateway.domain.breaker import Breaker, BreakerPolicy, as_of, failed, succeeded
from payrail.gateway.domain.routing import Availability
from payrail.runtime.clock import Clock
from payrail.runtime.durable_file import replace_file
from payrail.runtime.leases import Leases
from payrail.runtime.shared_lock import SharedLock

logger = logging.getLogger(__name__)


class BreakerFile:
    """One provider's breaker. What another process wrote is seen by the next `current` of this one."""

    def __init__(self, path: Path, policy: BreakerPolicy, clock: Clock) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._lock = SharedLock(path.with_name(path.name + ".lock"))
        self._policy = policy
        self._clock = clock
        self._seen = -1  # The count of the newest change that `_stored` shows.
        self._stored = Breaker()
        self._make_file()

    def current(self) -> Breaker:
        """The breaker as it stands now."""
        self._refresh()
        if self._stored.state != "OPEN":
            return self._stored
        return as_of(self._stored, self._clock.now(), self._policy)

    def succeeded(self, generation: int) -> None:
        """A call that was let through in this generation came back with an answer."""
        current = self.current()
        if current.generation != generation or (
            current.state == "CLOSED" and not current.consecutive_failures
        ):
            return
        self._change(lambda breaker: succeeded(breaker, generation, self._clock.now()))

    def failed(self, generation: int, code: str) -> None:
        """A call that was let through in this generation failed technically."""
        self._change(lambda breaker: failed(breaker, generation, code, self._clock.now(), self._policy))

    def _change(self, change: Callable[[Breaker], Breaker]) -> None:
        """Replace the file by what `change` makes of it. A disk that refuses leaves the change in this process: the
        outcome of a provider's call must never be lost for the sake of a counter."""
        try:
            with self._lock:
                self._refresh()
                before = as_of(self._stored, self._clock.now(), self._policy)
                changed = change(before)
                if changed != before:
                    self._write(changed, durable=changed.generation != before.generation)
        except OSError as error:
            before = as_of(self._stored, self._clock.now(), self._policy)
            changed = self._stored = change(before)
            logger.warning("%s cannot be written: %s", self._path, error.strerror)
        if changed.generation != before.generation:
            last = changed.history[-1]
            logger.warning("breaker %s: %s to %s: %s", self._path.stem, last.before, last.after, last.reason)

    def _make_file(self) -> None:
        """Have a file to look at from the start, as if nothing had failed yet. A disk that refuses changes nothing."""
        with contextlib.suppress(OSError), self._lock:
            if not self._path.exists():
                self._replace(Breaker(), durable=False)

    def _replace(self, breaker: Breaker, *, durable: bool) -> None:
        text = msgspec.json.format(msgspec.json.encode(breaker), indent=2)
        replace_file(self._path, [text, b"\n"], durable=durable)

    def _write(self, breaker: Breaker, *, durable: bool) -> None:
        self._replace(breaker, durable=durable)
        self._stored, self._seen = breaker, self._lock.count_change()

    def _refresh(self) -> None:
        count = self._lock.count
        if count != self._seen:
            # Read after the count: what is written in between is read now or counted again.
            self._stored, self._seen = self._read(), count

    def _read(self) -> Breaker:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Breaker)
        except FileNotFoundError:
            return Breaker()
        except (OSError, msgspec.DecodeError) as error:
            logger.warning("%s cannot be read, the breaker starts closed: %s", self._path, error)
            return Breaker()


class Admission(Struct, frozen=True):
    """A call was let through in this generation of the breaker; `lease` is the probe's, none if it is no probe."""

    provider: str
    generation: int
    lease: str | None = None


class FileBreakers:
    """`Breakers` over one file per provider, and the gate through which each call passes."""

    def __init__(
        self,
        directory: Path,
        policy: BreakerPolicy,
        clock: Clock,
        leases: Leases,
        *,
        providers: Collection[str],
    ) -> None:
        self._policy = policy
        self._leases = leases
        self._files = {
            provider: BreakerFile(directory / f"{provider}_state.json", policy, clock)
            for provider in providers
        }
        self._reserved: dict[str, dict[str, Admission]] = {}

    def states(self) -> Mapping[str, Breaker]:
        return {provider: file.current() for provider, file in self._files.items()}

    def survey(self, attempt_id: str) -> Mapping[str, Availability]:
        return {provider: self._availability(provider, attempt_id) for provider in self._files}

    def forget(self, attempt_id: str) -> None:
        for admission in self._reserved.pop(attempt_id, {}).values():
            self._give_back(admission)

    @contextmanager
    def admission(self, provider: str, attempt_id: str) -> Iterator[Admission | None]:
        """Whether a call of the provider may be made now; a probe's place is held for the length of the block."""
        reserved = self._reserved.pop(attempt_id, {})
        mine = reserved.pop(provider, None)
        for other in reserved.values():
            self._give_back(other)
        if mine is None or mine.generation != self._files[provider].current().generation:
            if mine is not None:
                self._give_back(mine)
            mine = self._admit(provider)
        try:
            yield mine
        finally:
            if mine is not None:
                self._give_back(mine)

    def succeeded(self, admission: Admission) -> None:
        """The admitted call came back with an answer, be it yes or no."""
        self._files[admission.provider].succeeded(admission.generation)

    def failed(self, admission: Admission, code: str) -> None:
        """The admitted call was surely not processed, or nobody knows."""
        self._files[admission.provider].failed(admission.generation, code)

    def _availability(self, provider: str, attempt_id: str) -> Availability:
        state = self._files[provider].current().state
        if state == "CLOSED":
            return "available"
        if state == "OPEN":
            return "open"
        admission = self._admit(provider)
        if admission is None:
            return "probes_taken"
        self._reserved.setdefault(attempt_id, {})[provider] = admission
        return "probe"

    def _admit(self, provider: str) -> Admission | None:
        file = self._files[provider]
        breaker = file.current()
        if breaker.state == "CLOSED":
            return Admission(provider, breaker.generation)
        if breaker.state == "OPEN":
            return None
        for place in range(self._policy.half_open_probes):
            lease = f"breaker:{provider}:{breaker.generation}:{place}"
            if self._leases.acquire(lease):
                # A probe tells its outcome before it gives its place back: whoever gets the place sees the outcome.
                if file.current().generation == breaker.generation:
                    return Admission(provider, breaker.generation, lease)
                self._leases.release(lease)
                return self._admit(provider)
        return None

    def _give_back(self, admission: Admission) -> None:
        if admission.lease is not None:
            self._leases.release(admission.lease)
