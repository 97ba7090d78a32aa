"""What a process has served and called, as Prometheus reads it and as samples for a file.

Each process counts for itself; its series carry its process id as `worker`, so that what one worker answers never looks
like a counter of another that ran backwards.
"""

import asyncio
import logging
import os
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import accumulate
from pathlib import Path
from typing import Any

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric

from payrail.runtime.clock import rfc3339

logger = logging.getLogger(__name__)

MEDIA_TYPE: str = CONTENT_TYPE_LATEST
_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_UNKNOWN_OPERATION = "none"

#: Values that are read when somebody asks: by gauge name, its help, its one label, and the values by label.
Gauges = Callable[[], Mapping[str, tuple[str, str, Mapping[str, float]]]]


class _Durations:
    """How long one kind of thing took: a count for each bucket, and the total."""

    __slots__ = ("counts", "total_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(_BUCKETS_S) + 1)
        self.total_s = 0.0

    def add(self, duration_s: float) -> None:
        self.counts[bisect_left(_BUCKETS_S, duration_s)] += 1
        self.total_s += duration_s

    def cumulative(self) -> list[tuple[str, float]]:
        """For each bucket, and for infinity, how many took no longer."""
        bounds = [*map(str, _BUCKETS_S), "+Inf"]
        return [(bound, float(count)) for bound, count in zip(bounds, accumulate(self.counts), strict=True)]


class Metrics:
    """The metrics of one app in one process, all observed in one thread. Observing costs a look-up and two
    additions; what Prometheus wants of it is made when somebody asks."""

    def __init__(self, *, worker: str | None = None) -> None:
        self._worker = worker or str(os.getpid())
        self._registry = CollectorRegistry(auto_describe=False)
        self._gauges: Gauges | None = None
        self._requests: dict[tuple[str | None, int], _Durations] = {}
        self._calls: dict[tuple[str, str, str], _Durations] = {}
        self._registry.register(_Collector(self))

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

    def exposition(self) -> bytes:
        """All series in Prometheus' text format."""
        return generate_latest(self._registry)

    def sample(self) -> dict[str, Any]:
        """Counts and total seconds since the process began, by operation and status, and by provider call."""
        return {
            "worker": self._worker,
            "requests": [
                _totals({"operation": operation, "status": status}, durations)
                for (operation, status), durations in self.requests()
            ],
            "provider_calls": [
                _totals({"provider": provider, "operation": operation, "outcome": outcome}, durations)
                for (provider, operation, outcome), durations in self.calls()
            ],
        }

    def requests(self) -> Iterator[tuple[tuple[str, str], _Durations]]:
        """What was served, by operation and status."""
        for (operation, status), durations in self._requests.items():
            yield (operation or _UNKNOWN_OPERATION, str(status)), durations

    def calls(self) -> Iterator[tuple[tuple[str, str, str], _Durations]]:
        """What was called, by provider, operation and outcome."""
        yield from self._calls.items()

    def gauges(self) -> Mapping[str, tuple[str, str, Mapping[str, float]]]:
        return self._gauges() if self._gauges else {}

    @property
    def worker(self) -> str:
        return self._worker


class _Collector:
    """What the registry asks for all series of a process."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> list[Metric]:
        worker = self._metrics.worker
        requests = HistogramMetricFamily(
            "payrail_request_duration_seconds",
            "Time from the first byte of a request to the last of its answer.",
            labels=("operation", "status", "worker"),
        )
        for request, durations in self._metrics.requests():
            requests.add_metric((*request, worker), durations.cumulative(), durations.total_s)
        calls = HistogramMetricFamily(
            "payrail_provider_call_duration_seconds",
            "Time that a provider took for a call, by what came of it.",
            labels=("provider", "operation", "outcome", "worker"),
        )
        for call, durations in self._metrics.calls():
            calls.add_metric((*call, worker), durations.cumulative(), durations.total_s)
        return [requests, calls, *self._gauges(worker)]

    def _gauges(self, worker: str) -> Iterator[Metric]:
        for name, (text, label, values) in self._metrics.gauges().items():
            family = GaugeMetricFamily(name, text, labels=(label, "worker"))
            for value_label, value in values.items():
                family.add_metric((value_label, worker), value)
            yield family


def _totals(labels: dict[str, str], durations: _Durations) -> dict[str, Any]:
    return {**labels, "count": sum(durations.counts), "seconds": round(durations.total_s, 6)}


async def keep_samples(
    metrics: Metrics, path: Path, service: str, interval_s: float, now: Callable[[], datetime]
) -> None:
    """Append a sample as one JSON line every `interval_s`, until cancelled, and a last one then.

    Nothing is written while nothing happens. Lines of several processes mix whole, and survive the process, not a power
    cut. A disk that refuses is logged and tried again.
    """
    written: dict[str, Any] = {}
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        while True:
            await asyncio.sleep(interval_s)
            written = _append_if_new(metrics, path, service, now, written)
    finally:
        _append_if_new(metrics, path, service, now, written)


def _append_if_new(
    metrics: Metrics, path: Path, service: str, now: Callable[[], datetime], written: dict[str, Any]
) -> dict[str, Any]:
    sample = metrics.sample()
    if sample == written or not (sample["requests"] or sample["provider_calls"]):
        return written
    line = orjson.dumps({"time": rfc3339(now()), "service": service, **sample}) + b"\n"
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            os.write(fd, line)
        finally:
            os.close(fd)
    except OSError as error:
        logger.warning("%s cannot be written: %s", path, error.strerror)
        return written
    return sample
