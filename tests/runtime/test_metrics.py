"""Metrics say what was served and called, as Prometheus reads it and as samples for a file."""

import asyncio
import threading

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from payrail.runtime import metrics as runtime_metrics
from payrail.runtime.metrics import Metrics
from waiting import LIMIT_S


def observed() -> Metrics:
    metrics = Metrics(worker="7")
    for duration_s in (0.0005, 0.001, 0.0011, 0.3, 20.0):
        metrics.observe_request("create_payment", 201, duration_s)
    metrics.observe_request(None, 404, 0.002)
    metrics.observe_call("providerA", "authorize", "approved", 0.02)
    metrics.show(lambda: {"payrail_open": ("Open things.", "kind", {"a": 1.0})})
    return metrics


async def test_prometheus_reads_every_series_with_cumulative_buckets() -> None:
    text = (await observed().exposition()).decode()
    families = {one.name: one for one in text_string_to_metric_families(text)}
    served = families["payrail_request_duration_seconds"]
    created = {
        (sample.name.rpartition("_")[2], sample.labels.get("le")): sample.value
        for sample in served.samples
        if sample.labels["operation"] == "create_payment"
    }
    assert served.type == "histogram"
    assert created["bucket", "0.001"] == 2
    assert created["bucket", "0.0025"] == 3
    assert created["bucket", "10.0"] == 4
    assert created["bucket", "+Inf"] == created["count", None] == 5
    assert abs(created["sum", None] - 20.3026) < 1e-9
    (call,) = [
        sample
        for sample in families["payrail_provider_call_duration_seconds"].samples
        if sample.name.endswith("_count")
    ]
    assert call.labels == {
        "provider": "providerA",
        "operation": "authorize",
        "outcome": "approved",
        "worker": "7",
    }
    (gauge,) = families["payrail_open"].samples
    assert (gauge.labels, gauge.value) == ({"kind": "a", "worker": "7"}, 1.0)


async def test_what_is_observed_while_the_metrics_are_written_waits_for_nothing_and_is_not_in_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    metrics, writing, go_on = observed(), threading.Event(), threading.Event()
    before = await metrics.exposition()

    def write_later(registry: CollectorRegistry) -> bytes:
        writing.set()
        assert go_on.wait(LIMIT_S)
        return generate_latest(registry)

    monkeypatch.setattr(runtime_metrics, "generate_latest", write_later)
    reading = asyncio.create_task(metrics.exposition())
    assert await asyncio.to_thread(writing.wait, LIMIT_S)
    metrics.observe_request("create_payment", 201, 0.5)
    metrics.observe_request("get_payment", 200, 0.5)
    go_on.set()
    assert await reading == before


async def test_any_text_may_be_a_label() -> None:
    odd = 'a "b" \\ c\nd'
    metrics = Metrics(worker=odd)
    metrics.observe_request("get_health", 200, 0.001)
    (served, _) = text_string_to_metric_families((await metrics.exposition()).decode())
    assert {sample.labels["worker"] for sample in served.samples} == {odd}


def test_a_sample_has_counts_and_total_seconds() -> None:
    assert observed().sample() == {
        "worker": "7",
        "requests": [
            {"operation": "create_payment", "status": "201", "count": 5, "seconds": 20.3026},
            {"operation": "none", "status": "404", "count": 1, "seconds": 0.002},
        ],
        "provider_calls": [
            {
                "provider": "providerA",
                "operation": "authorize",
                "outcome": "approved",
                "count": 1,
                "seconds": 0.02,
            }
        ],
    }
