"""`/metrics`: the run and its daemon in the text format of Prometheus.

The rule: a scrape reads what is known and asks nobody.  Every metric of `SPECS` is named in every
answer; one whose value is not known has no series, which is not the same as 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from actors.app.http.counts import Counts
from actors.app.http.follower import Follower
from actors.app.http.health import BEAT_MAX_S, vitals_of, why_not_ready
from actors.app.http.metric_names import SPECS, Spec
from actors.app.http.pulse import WriterPulse
from actors.app.http.reading import reading_of
from actors.app.http.replica import View
from arena.treasury import Treasury
from arena.words import ALL, ARENA_SCOPE, Book, Layer, Status

Series: TypeAlias = dict[tuple[str, ...], Any]
"""Values of the labels, in the order of the spec -> the value."""

STATES = (
    "starting",
    "catching_up",
    "running",
    "paused",
    "waiting",
    "draining",
    "completed",
    "storage_full",
)

router = APIRouter(include_in_schema=False)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Return everything that is measured."""
    registry = registry_of(request.app.state.pulse, reading_of(request).follower)
    headers = {"Cache-Control": "no-store"}
    return Response(generate_latest(registry), 200, headers, CONTENT_TYPE_LATEST)


def registry_of(pulse: WriterPulse, follower: Follower) -> CollectorRegistry:
    """Return what is to be collected, now, on the loop."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ArenaCollector(pulse, follower))
    ProcessCollector(namespace="arena_web", registry=registry)
    pid = (pulse.status or {}).get("pid")
    if pid is not None:
        ProcessCollector(namespace="arena_writer", pid=lambda: pid, registry=registry)
    return registry


class ArenaCollector(Collector):
    """Collects from the follower's view and the writer's pulse."""

    def __init__(self, pulse: WriterPulse, follower: Follower) -> None:
        self._pulse = pulse
        self._follower = follower

    def collect(self) -> Iterator[Metric]:
        """Yield each metric of `SPECS`, in that order."""
        known = self._values()
        for spec in SPECS:
            yield _metric(spec, known.get(spec.name, {}))

    def _values(self) -> dict[str, Series]:
        vitals, view = vitals_of(self._pulse, self._follower), self._follower.view
        values = {} if view is None else of_the_run(view)
        values["arena_follower_behind"] = _one(vitals.behind)
        if not vitals.expected:
            values["arena_writer_up"] = _one(0)
            return values
        values["arena_writer_up"] = _one(vitals.age_s <= BEAT_MAX_S and bool(vitals.status))
        values["arena_writer_answer_age_seconds"] = _one(vitals.age_s)
        values["arena_ready"] = _one(not why_not_ready(vitals))
        return values | (of_the_writer(vitals.status) if vitals.status else {})


def of_the_run(view: View) -> dict[str, Series]:
    """Return what a journal tells, by the names of `OF_THE_RUN`."""
    treasury = view.treasury
    settled = view.settled_at
    return {
        "arena_event_seq": _one(view.seq),
        "arena_sim_time_seconds": _one(datetime.fromisoformat(settled).timestamp())
        if settled
        else {},
        "arena_tick": _one(treasury.tick),
        "arena_cycle": _one(treasury.cycle),
        "arena_completed": _one(treasury.completed),
        "arena_agents": _agents(treasury),
        "arena_quarantined_agents": _one(_quarantined(treasury)),
        "arena_capital_micro": dict(_accounts(treasury)),
        "arena_ledger_imbalance_micro": {
            (str(book),): sum(treasury.books[book].values()) for book in Book
        },
        "arena_halted": {(scope,): scope in treasury.halted for scope in (ALL, ARENA_SCOPE)},
        **({} if view.counts is None else _counted(view.counts)),
    }


def _counted(counts: Counts) -> dict[str, Series]:
    return {
        "arena_events_total": _each(counts.events),
        "arena_agent_failures_total": _each(counts.failures),
        "arena_kills_total": _each(counts.kills),
        "arena_graduations_total": _each(counts.graduations),
        "arena_gate_failures_total": _each(counts.gates),
    }


def of_the_writer(status: Mapping[str, Any]) -> dict[str, Series]:
    """Return what a writer's `status` tells, by the names of `OF_THE_WRITER`."""
    gauges, state = status["gauges"], status["state"]
    return {
        "arena_state": {(each,): each == state for each in STATES},
        "arena_panic": _one(status["panic"] is not None),
        "arena_paused": _one(bool(status["paused"])),
        "arena_uptime_seconds": _one(status["uptime_s"]),
        "arena_sim_lag_seconds": _one(status["lag_s"]),
        "arena_allocator_queue_depth": _one(gauges["allocator_queue_depth"]),
        "arena_mailbox_depth": _one(gauges["mailbox_depth"]),
        "arena_mailbox_capacity": _one(gauges["mailbox_capacity"]),
        "arena_mailbox_fill_ratio": _one(gauges["mailbox_fill"]),
        "arena_dead_letters_total": _one(gauges["dead_letters"]),
        "arena_agents_running": _one(gauges["agents_running"]),
        "arena_step_overruns_total": _one(gauges["overruns"]),
        "arena_agent_step_seconds": {(): gauges["agent_step_seconds"]},
        "arena_commit_seconds": {(): gauges["commit_seconds"]},
        "arena_commit_age_seconds": _one(status["beat"]["commit_age_s"]),
        "arena_last_snapshot_age_seconds": _one(gauges["snapshot_age_s"]),
        "arena_db_bytes": _one(gauges["db_bytes"]),
        "arena_wal_bytes": _one(gauges["wal_bytes"]),
        "arena_web_restarts_total": _one(gauges["web_restarts"]),
        "arena_pending_reload_keys": _one(len(status["pending_reload"])),
    }


def _one(value: float) -> Series:
    return {(): value}


def _each(counts: Mapping[str, int]) -> Series:
    return {(name,): n for name, n in sorted(counts.items())}


def _agents(treasury: Treasury) -> Series:
    """Count who competes; each layer is there, be it empty."""
    found = Counter(
        (str(one.layer), str(one.tier or "none"), str(one.status)) for one in treasury.population()
    )
    every: Series = {(str(layer), "none", str(Status.ALIVE)): 0 for layer in Layer}
    every.update(sorted(found.items()))
    return every


def _quarantined(treasury: Treasury) -> int:
    return sum(one.status is Status.QUARANTINED for one in treasury.population())


def _accounts(treasury: Treasury) -> Iterable[tuple[tuple[str, ...], int]]:
    for book in Book:
        balances: Counter[str] = Counter()
        for account, balance in treasury.books[book].items():
            balances["agents" if account.startswith("agent:") else account] += balance
        for account, balance in sorted(balances.items()):
            yield (str(book), account), balance


def _metric(spec: Spec, series: Series) -> Metric:
    if spec.kind == "histogram":
        histogram = HistogramMetricFamily(spec.name, spec.meaning, labels=spec.labels)
        for labels, shown in series.items():
            bounds = [(str(bound), float(n)) for bound, n in shown["buckets"]]
            buckets = [*bounds, ("+Inf", float(shown["count"]))]
            histogram.add_metric(labels, buckets, shown["sum"])
        return histogram
    family = CounterMetricFamily if spec.kind == "counter" else GaugeMetricFamily
    metric = family(spec.name, spec.meaning, labels=spec.labels)
    for labels, value in series.items():
        metric.add_metric(labels, float(value))
    return metric
