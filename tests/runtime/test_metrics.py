"""Metrics say what was served and called, as Prometheus reads it and as samples for a file."""

import sys
from collections.abc import Callable

from prometheus_client.parser import text_string_to_metric_families

from payrail.runtime.metrics import Metrics


def observed() -> Metrics:
    metrics = Metrics(worker="7")
    for duration_s in (0.0005, 0.001, 0.0011, 0.3, 20.0):
        metrics.observe_request("create_payment", 201, duration_s)
    metrics.observe_request(None, 404, 0.002)
    metrics.observe_call("providerA", "authorize", "approved", 0.02)
    metrics.show(lambda: {"payrail_open": ("Open things.", "kind", {"a": 1.0})})
    return metrics


def test_prometheus_reads_every_series_with_cumulative_buckets() -> None:
    families = {one.name: one for one in text_string_to_metric_families(observed().exposition().decode())}
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


def test_prometheus_reads_what_was_added_since_the_last_time() -> None:
    metrics = observed()
    before = metrics.exposition()
    assert metrics.exposition() == before
    metrics.observe_request("create_payment", 201, 0.5)
    changed = set(metrics.exposition().decode().splitlines()) - set(before.decode().splitlines())
    name, series = "payrail_request_duration_seconds", 'operation="create_payment",status="201",worker="7"'
    (total,) = [line for line in changed if line.startswith(f"{name}_sum")]
    assert abs(float(total.split()[1]) - 20.8026) < 1e-9
    assert changed - {total} == {
        *(f'{name}_bucket{{{series},le="{bound}"}} 5' for bound in ("0.5", "1.0", "2.5", "5.0", "10.0")),
        f'{name}_bucket{{{series},le="+Inf"}} 6',
        f"{name}_count{{{series}}} 6",
    }


def test_any_text_may_be_a_label() -> None:
    odd = 'a "b" \\ c\nd'
    metrics = Metrics(worker=odd)
    metrics.observe_request("get_health", 200, 0.001)
    (served, _) = text_string_to_metric_families(metrics.exposition().decode())
    assert {sample.labels["worker"] for sample in served.samples} == {odd}


def test_a_scrape_costs_a_few_calls_for_each_series_and_none_for_each_of_its_lines() -> None:
    """Payments wait while it is rendered. Calls are counted, since time depends on the machine."""
    metrics = Metrics(worker="7")
    for number in range(350):
        metrics.observe_request(f"operation_{number}", 200, 0.001)
    assert metrics.exposition().count(b"\n") > 350 * 16
    assert calls_of(metrics.exposition) < 350 * 5


def calls_of(work: Callable[[], object]) -> int:
    """How many functions, of Python or C, are called by it."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls


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
