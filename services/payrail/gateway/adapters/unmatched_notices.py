"""Webhooks about references that the ledger does not have: `data/webhooks/unmatched.jsonl`, shared by all processes."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from payrail.gateway.domain.notices import UnmatchedNotice
from payrail.runtime.shared_log import SharedLog

_decode = msgspec.json.Decoder(UnmatchedNotice).decode


class UnmatchedLog:
    """`UnmatchedNotices` on a file. A message that comes again is kept once."""

    def __init__(self, path: Path) -> None:
        self._kept: dict[str, UnmatchedNotice] = {}
        self._log = SharedLog(
            path, lambda _offset, line: self._fold(_decode(line)), name="webhooks.unmatched"
        )

    def all(self) -> Sequence[UnmatchedNotice]:
        self._log.refresh()
        return list(self._kept.values())

    async def keep(self, notice: UnmatchedNotice) -> None:
        if notice.webhook_id in self._kept:
            return
        await self._log.append(
            lambda: None if notice.webhook_id in self._kept else msgspec.json.encode(notice)
        )

    def close(self) -> None:
        """Release the file."""
        self._log.close()

    def _fold(self, notice: UnmatchedNotice) -> None:
        self._kept[notice.webhook_id] = notice
