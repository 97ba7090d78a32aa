"""What a process has served and called, as Prometheus reads it and as samples for a file.

Each process counts for itself; its series carry its process id as `worker`, so that what one worker answers never looks
like a counter of another that ran backwards.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from payrail.runtime.clock import rfc3339

logger = logging.getLogger(__name__)

MEDIA_TYPE: str = CONTENT_TYPE_LATEST
_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_UNKNOWN_OPERATION = "none"

#: Values that are read when somebody asks: by gauge name, its help, its one label, and the values by label.
Gauges = Callable[[], Mapping[str, tuple[str, str, Mapping[str, float]]]]


class Metrics:
    """The metrics of one app in one process. Observing costs a dictionary look-up and a bucket."""

    def __init__(self, *, worker: str | None = None) -> None:
        self._worker = worker or str(os.getpid())
        self._registry = CollectorRegistry(auto_describe=False)
        self._gauges: Gauges | None = None
        self._requests = Histogram(
            "payrail_request_duration_seconds",
            "Time from the first byte of a request to the last of its answer.",
            ("operation", "status", "worker"),
            buckets=_BUCKETS_S,
            registry=self._registry,
        )
        self._calls = Histogram(
            "payrail_provider_call_duration_seconds",
            "Time that a provider took for a call, by what came of it.",
            ("provider", "operation", "outcome", "worker"),
            buckets=_BUCKETS_S,
            registry=self._registry,
        )
        self._registry.register(_GaugeCollector(self))
        self._request_series: dict[tuple[str | None, int], Histogram] = {}
        self._call_series: dict[tuple[str, str, str], Histogram] = {}

    def observe_request(self, operation: str | None, status: int, duration_s: float) -> None:
        """One request was answered; `operation` is none where no operation fits it."""
        series = self._request_series.get((operation, status))
        if series is None:
            labels = (operation or _UNKNOWN_OPERATION, str(status), self._worker)
            series = self._request_series[operation, status] = self._requests.labels(*labels)
        series.observe(duration_s)

    def observe_call(self, provider: str, operation: str, outcome: str, duration_s: float) -> None:
        """One call of a provider came back, or did not."""
        key = (provider, operation, outcome)
        series = self._call_series.get(key)
        if series is None:
            series = self._call_series[key] = self._calls.labels(*key, self._worker)
        series.observe(duration_s)

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
            "requests": _totals(self._requests, ("operation", "status")),
            "provider_calls": _totals(self._calls, ("provider", "operation", "outcome")),
        }

    def gauges(self) -> Mapping[str, tuple[str, str, Mapping[str, float]]]:
        return self._gauges() if self._gauges else {}

    @property
    def worker(self) -> str:
        return self._worker


class _GaugeCollector:
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> list[Metric]:
        families: list[Metric] = []
        for name, (text, label, values) in self._metrics.gauges().items():
            family = GaugeMetricFamily(name, text, labels=(label, "worker"))
            for value_label, value in values.items():
                family.add_metric((value_label, self._metrics.worker), value)
            families.append(family)
        return families


def _totals(histogram: Histogram, names: tuple[str, ...]) -> list[dict[str, Any]]:
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    for family in histogram.collect():
        for sample in family.samples:
            key = tuple(sample.labels[name] for name in names)
            row = rows.setdefault(key, dict(zip(names, key, strict=True)))
            if sample.name.endswith("_count"):
                row["count"] = int(sample.value)
            elif sample.name.endswith("_sum"):
                row["seconds"] = round(sample.value, 6)
    return list(rows.values())


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
