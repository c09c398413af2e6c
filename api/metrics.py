"""Figures for Prometheus: what the gate counted, how far each follower is behind, what is open, what HTTP answered."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from coldchain.data_dir import DataDir
from coldchain.journal.sqlite import FILES
from coldchain.sqlite import FileMissing, open_to_read
from coldchain.topics import Topic
from registry.books import Books
from registry.followers import FOLLOWERS

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Tallies:
    """What this process counts itself."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "coldchain_http_requests",
            "Requests answered, by route and status",
            ("method", "route", "status"),
            registry=self._registry,
        )

    def request(self, method: str, route: str, status: int) -> None:
        self._requests.labels(method if method in METHODS else "OTHER", route, str(status)).inc()

    def text(self, more: Iterable[Metric]) -> bytes:
        """All of it, with what was read just now, in Prometheus' text format."""
        return generate_latest(self._registry) + generate_latest(_registry_of(more))


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class _Told:
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics


def _registry_of(metrics: Iterable[Metric]) -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Told(metrics))
    return registry


COUNTED = {
    "readings": ("coldchain_readings_accepted", "Readings made durable"),
    "packs": ("coldchain_packs_accepted", "Packs made durable"),
    "repeated": ("coldchain_packs_repeated", "Packs that had come before"),
    "statuses": ("coldchain_statuses", "What devices said of themselves"),
    "batches": ("coldchain_gate_batches", "Transactions of the gate"),
    "dropped": ("coldchain_refusals_dropped", "Refusals for which there was no room"),
    "released": ("coldchain_refusals_released", "Refusals believed on a second look"),
}
"""What the gate counts since it started, by its names (`ingest/keeper.py`)."""


def gate_metrics(counters: Mapping[str, Any] | None) -> Iterator[Metric]:
    """What the gate counted; `counters` None: it does not answer."""
    yield GaugeMetricFamily("coldchain_gate_up", "Whether the gate answers", value=0 if counters is None else 1)
    if counters is None:
        return
    for key, (name, told) in COUNTED.items():
        if isinstance(counters.get(key), int):
            yield CounterMetricFamily(name, told, value=counters[key])
    refused = CounterMetricFamily("coldchain_messages_refused", "Messages not believed", labels=["reason"])
    for reason, count in sorted(counters.get("refused", {}).items()):
        refused.add_metric([reason], count)
    yield refused
    stuck = bool(counters.get("is_stuck"))
    yield GaugeMetricFamily("coldchain_gate_stuck", "Whether nothing can be made durable", value=int(stuck))


def follower_lags(data_dir: DataDir, books: Books) -> Metric:
    """How many entries of its topic each follower has not passed yet."""
    lags = GaugeMetricFamily("coldchain_follower_lag", "Journal entries not passed yet", labels=["topic", "follower"])
    positions = _read(data_dir.stream, "SELECT topic, follower, position FROM positions")
    positions += [(one.topic, one.name, one.position(books)) for one in FOLLOWERS]
    for topic, follower, position in positions:
        lags.add_metric([topic, follower], max(0, _last_offset(data_dir, topic) - position))
    return lags


def open_incidents(counts: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily("coldchain_open_incidents", "Incidents that have not ended", labels=["kind"])
    for kind, count in sorted(counts.items()):
        family.add_metric([kind], count)
    return family


def silent_devices(count: int) -> Metric:
    return GaugeMetricFamily("coldchain_silent_devices", "Devices that should have spoken and did not", value=count)


def _last_offset(data_dir: DataDir, topic: str) -> int:
    file = FILES.get(Topic(topic))
    if file is None:
        return 0
    rows = _read(data_dir.root / file, f"SELECT max(offset) FROM topic_{topic}")
    return rows[0][0] or 0 if rows else 0


def _read(path: Path, statement: str) -> list[Any]:
    """Nothing where the file or the table is still to be made."""
    try:
        connection = open_to_read(path)
    except FileMissing:
        return []
    try:
        return connection.execute(statement).fetchall()
    except sqlite3.OperationalError as why:
        if "no such table" in str(why):
            return []
        raise
    finally:
        connection.close()
