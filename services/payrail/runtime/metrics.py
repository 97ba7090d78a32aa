"""What a process has served and called, as Prometheus reads it and as samples for a file.

Each process counts for itself; its series carry its process id as `worker`, so that what one worker answers never looks
like a counter of another that ran backwards.
"""

import asyncio
import logging
import os
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from itertools import accumulate
from typing import Any

import orjson
from msgspec import Struct
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric

from payrail.runtime.clock import rfc3339
from payrail.runtime.rotated_file import RotatedFile

logger = logging.getLogger(__name__)

MEDIA_TYPE: str = CONTENT_TYPE_LATEST
_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_BOUNDS = (*map(str, _BUCKETS_S), "+Inf")
_UNKNOWN_OPERATION = "none"

#: Values that are read when somebody asks: by gauge name, its help, its one label, and the values by label.
Gauges = Callable[[], Mapping[str, tuple[str, str, Mapping[str, float]]]]


#: A histogram at one moment: for each bucket, and for infinity, how many took no longer; and the seconds they took.
Cumulative = tuple[list[tuple[str, float]], float]


class _Durations:
    """How long one kind of thing took: a count for each bucket, and the total."""

    __slots__ = ("counts", "total_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(_BUCKETS_S) + 1)
        self.total_s = 0.0

    def add(self, duration_s: float) -> None:
        self.counts[bisect_left(_BUCKETS_S, duration_s)] += 1
        self.total_s += duration_s

    def cumulative(self) -> Cumulative:
        counts = map(float, accumulate(self.counts))
        return list(zip(_BOUNDS, counts, strict=True)), self.total_s


class Metrics:
    """The metrics of one app in one process, all observed in one thread. Observing costs a look-up and two
    additions; what Prometheus wants of it is made when somebody asks."""

    def __init__(self, *, worker: str | None = None) -> None:
        self._worker = worker or str(os.getpid())
        self._gauges: Gauges | None = None
        self._requests: dict[tuple[str | None, int], _Durations] = {}
        self._calls: dict[tuple[str, str, str], _Durations] = {}

    def observe_request(self, operation: str | None, status: int, duration_s: float) -> None:
        """One request was answered; `operation` is none where no operation fits it."""
        durations = self._requests.get((operation, status))
        if durations is None:
            durations = self._requests[operation, status] = _Durations()
        durations.add(duration_s)

    def observe_call(self, provider: str, operation: str, outcome: str, duration_s: float) -> None:
        """One call of a provider came back, or did not."""
        durations = self._calls.get((provider, operation, outcome))
        if durations is None:
            durations = self._calls[provider, operation, outcome] = _Durations()
        durations.add(duration_s)

    def show(self, gauges: Gauges) -> None:
        """Read these values whenever the metrics are read."""
        self._gauges = gauges

    async def exposition(self) -> bytes:
        """All series, as of now, in Prometheus' text format. To write them takes time, and payments go on meanwhile."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self._snapshot())
        return await asyncio.to_thread(generate_latest, registry)

    def sample(self) -> dict[str, Any]:
        """Counts and total seconds since the process began, by operation and status, and by provider call."""
        return {
            "worker": self._worker,
            "requests": [
                _totals({"operation": operation, "status": status}, durations)
                for (operation, status), durations in self._served()
            ],
            "provider_calls": [
                _totals({"provider": provider, "operation": operation, "outcome": outcome}, durations)
                for (provider, operation, outcome), durations in self._calls.items()
            ],
        }

    def _served(self) -> Iterator[tuple[tuple[str, str], _Durations]]:
        """What was served, by operation and status."""
        for (operation, status), durations in self._requests.items():
            yield (operation or _UNKNOWN_OPERATION, str(status)), durations

    def _snapshot(self) -> "_Snapshot":
        return _Snapshot(
            self._worker,
            [(served, durations.cumulative()) for served, durations in self._served()],
            [(call, durations.cumulative()) for call, durations in self._calls.items()],
            self._gauges() if self._gauges else {},
        )


class _Snapshot(Struct, frozen=True, eq=False):
    """What the registry asks for all series of a process, as they were at one moment."""

    worker: str
    requests: list[tuple[tuple[str, str], Cumulative]]
    calls: list[tuple[tuple[str, str, str], Cumulative]]
    gauges: Mapping[str, tuple[str, str, Mapping[str, float]]]

    def collect(self) -> Iterator[Metric]:
        requests = HistogramMetricFamily(
            "payrail_request_duration_seconds",
            "Time from the first byte of a request to the last of its answer.",
            labels=("operation", "status", "worker"),
        )
        for request, (buckets, total_s) in self.requests:
            requests.add_metric((*request, self.worker), buckets, total_s)
        calls = HistogramMetricFamily(
            "payrail_provider_call_duration_seconds",
            "Time that a provider took for a call, by what came of it.",
            labels=("provider", "operation", "outcome", "worker"),
        )
        for call, (buckets, total_s) in self.calls:
            calls.add_metric((*call, self.worker), buckets, total_s)
        yield from (requests, calls)
        for name, (text, label, values) in self.gauges.items():
            family = GaugeMetricFamily(name, text, labels=(label, "worker"))
            for value_label, value in values.items():
                family.add_metric((value_label, self.worker), value)
            yield family


def _totals(labels: dict[str, str], durations: _Durations) -> dict[str, Any]:
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
