"""One provider's settlement files: made when they are asked for, with the faults that are planted in them.

What was planted is a line of ``<provider>_planted.jsonl``, durable before the file with it goes out.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping

import msgspec

from payrail.provider_sim.errors import RecordsUnavailable
from payrail.provider_sim.failures import RuleBook, Used
from payrail.provider_sim.operations import Book, Record
from payrail.provider_sim.planting import Plant, decide_plants, paid_more, with_plants
from payrail.provider_sim.profiles import Profile
from payrail.provider_sim.records import ProviderFileInvalid
from payrail.provider_sim.settlement import Movement, Statement
from payrail.provider_sim.settlement_dialects import settlement_csv
from payrail.runtime.append_log import AppendLog, LogUnavailable

_decode = msgspec.json.Decoder(Plant).decode


class SettlementFiles:
    """The settlement files of one provider. `add` every record there is, then `load_plants`."""

    def __init__(self, profile: Profile, seed: int, book: Book, rules: RuleBook, planted: AppendLog) -> None:
        self._profile = profile
        self._seed = seed
        self._book = book
        self._rules = rules
        self._log = planted
        self._planted: dict[tuple[str, Movement], Plant] = {}
        self._statement = Statement(profile)
        #: What each day's lines come to, beside how many they were, and how much more or less its file says.
        self._sums: dict[str, tuple[int, Counter[str]]] = {}
        self._paid_more: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._deciding = asyncio.Lock()

    def load_plants(self) -> None:
        """Take in what was planted before, once the rules are as their file has them. Raises `ProviderFileInvalid`."""
        for number, (_, line) in enumerate(self._log.lines(), start=1):
            try:
                self._take_in(_decode(line))
            except msgspec.DecodeError as error:
                raise ProviderFileInvalid(self._log.path, number, str(error)) from None

    def add(self, record: Record) -> None:
        """A record is durable: it is settled on its day."""
        self._statement.add(record)

    def close(self) -> None:
        """Write what waits and release the file."""
        self._log.close()

    async def days(self, now: str) -> Mapping[str, Mapping[str, int] | None]:
        """The UTC days that have lines by now, newest first, and what their files come to, minor units by currency;
        none while the day is not over."""
        days = self._statement.days(now)
        return {date: await self._paid_out(date) if date < now[:10] else None for date in days}

    async def csv(self, date: str, now: str) -> bytes:
        """The file of a UTC day as it stands by now. Raises `RecordsUnavailable` when a plant cannot be written."""
        async with self._deciding:
            lines = self._statement.lines(self._book, date, now)
            rules = self._rules.of_settlement()
            if rules:
                await self._plant(
                    list(decide_plants(self._profile, self._seed, date, lines, rules, self._planted))
                )
            lines = list(with_plants(self._profile, lines, self._planted))
        return await asyncio.to_thread(settlement_csv, self._profile, date, lines)

    async def _paid_out(self, date: str) -> Mapping[str, int]:
        """What the file of a day that is over comes to. Its lines are added up beside the event loop, and once."""
        count = self._statement.count(date)
        known = self._sums.get(date)
        if known is None or known[0] != count:
            known = (count, await asyncio.to_thread(self._statement.paid_out, self._book, date))
            self._sums[date] = known
        sums = Counter(known[1])
        sums.update(self._paid_more[date])
        return dict(sorted(sums.items()))

    async def _plant(self, plants: list[Plant]) -> None:
        if not plants:
            return
        try:
            await self._log.append_many([msgspec.json.encode(plant) for plant in plants])
        except LogUnavailable:
            raise RecordsUnavailable("The provider cannot write what it plants.") from None
        for plant in plants:
            self._take_in(plant)

    def _take_in(self, plant: Plant) -> None:
        """A plant is for good; it is one use of its rule, and is counted from its own line alone."""
        self._planted[plant.key] = plant
        self._paid_more[plant.date].update(paid_more(plant))
        self._rules.apply(Used(plant.rule))
