"""What a process has served and called, as Prometheus reads it and as samples for a file.

Each process counts for itself; its series carry its process id as `worker`, so that what one worker answers never looks
like a counter of another that ran backwards.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime
from typing import Any

import orjson

from payrail.runtime.clock import rfc3339
from payrail.runtime.exposition import Histogram, gauges, histograms
from payrail.runtime.rotated_file import RotatedFile

logger = logging.getLogger(__name__)

_REQUESTS = "payrail_request_duration_seconds"
_CALLS = "payrail_provider_call_duration_seconds"
_UNKNOWN_OPERATION = "none"

#: Values that are read when somebody asks: by gauge name, its help, its one label, and the values by label.
Gauges = Callable[[], Mapping[str, tuple[str, str, Mapping[str, float]]]]


class Metrics:
    """The metrics of one app in one process, all observed in one thread. Observing costs a look-up and two
    additions; what Prometheus wants of it is made when somebody asks."""

    def __init__(self, *, worker: str | None = None) -> None:
        self._worker = worker or str(os.getpid())
        self._gauges: Gauges = dict
        self._requests: dict[tuple[str | None, int], Histogram] = {}
        self._calls: dict[tuple[str, str, str], Histogram] = {}

    def observe_request(self, operation: str | None, status: int, duration_s: float) -> None:
        """One request was answered; `operation` is none where no operation fits it."""
        durations = self._requests.get((operation, status))
        if durations is None:
            labels = {"operation": operation or _UNKNOWN_OPERATION, "status": str(status)}
            durations = self._requests[operation, status] = self._histogram(_REQUESTS, labels)
        durations.add(duration_s)

    def observe_call(self, provider: str, operation: str, outcome: str, duration_s: float) -> None:
        """One call of a provider came back, or did not."""
        durations = self._calls.get((provider, operation, outcome))
        if durations is None:
            labels = {"provider": provider, "operation": operation, "outcome": outcome}
            durations = self._calls[provider, operation, outcome] = self._histogram(_CALLS, labels)
        durations.add(duration_s)

    def _histogram(self, name: str, labels: dict[str, str]) -> Histogram:
        return Histogram(name, {**labels, "worker": self._worker})

    def show(self, gauges: Gauges) -> None:
        """Read these values whenever the metrics are read."""
        self._gauges = gauges

    def exposition(self) -> bytes:
        """All series in Prometheus' text format."""
        families = [
            histograms(
                _REQUESTS,
                "Time from the first byte of a request to the last of its answer.",
                self._requests.values(),
            ),
            histograms(
                _CALLS, "Time that a provider took for a call, by what came of it.", self._calls.values()
            ),
        ]
        for name, (help_text, label, values) in self._gauges().items():
            labelled = [({label: of, "worker": self._worker}, value) for of, value in values.items()]
            families.append(gauges(name, help_text, labelled))
        return "".join(families).encode()

    def sample(self) -> dict[str, Any]:
        """Counts and total seconds since the process began, by operation and status, and by provider call."""
        return {
            "worker": self._worker,
            "requests": [
                _totals({"operation": operation or _UNKNOWN_OPERATION, "status": str(status)}, durations)
                for (operation, status), durations in self._requests.items()
            ],
            "provider_calls": [
                _totals({"provider": provider, "operation": operation, "outcome": outcome}, durations)
                for (provider, operation, outcome), durations in self._calls.items()
            ],
        }


def _totals(labels: dict[str, str], durations: Histogram) -> dict[str, Any]:
    return {**labels, "count": sum(durations.counts), "seconds": round(durations.total_s, 6)}


async def keep_samples(
    metrics: Metrics,
    open_file: Callable[[], RotatedFile],
    service: str,
    interval_s: float,
    now: Callable[[], datetime],
) -> None:
    """Append a sample as one JSON line every `interval_s`, until cancelled, and a last one then.

    Nothing is written while nothing happens. Lines of several processes mix whole, and survive the process, not a power
    cut. A disk that refuses is logged and tried again.
    """
    written: dict[str, Any] = {}
    with closing(open_file()) as file:
        try:
            while True:
                await asyncio.sleep(interval_s)
                written = _append_if_new(metrics, file, service, now, written)
        finally:
            _append_if_new(metrics, file, service, now, written)


def _append_if_new(
    metrics: Metrics, file: RotatedFile, service: str, now: Callable[[], datetime], written: dict[str, Any]
) -> dict[str, Any]:
    sample = metrics.sample()
    if sample == written or not (sample["requests"] or sample["provider_calls"]):
        return written
    try:
        file.write(orjson.dumps({"time": rfc3339(now()), "service": service, **sample}) + b"\n")
    except OSError as error:
        logger.warning("the samples of the metrics cannot be written: %s", error.strerror)
        return written
    return sample
