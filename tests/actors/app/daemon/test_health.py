"""Health is said at once and with its reasons, whatever the writer does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from actors.app.control.client import AsyncControlClient
from actors.app.control.requests import Reply, Request
from actors.app.control.server import ControlServer
from actors.app.daemon.gauges import Gauges
from actors.app.daemon.status import State
from actors.app.experiment import prepare, run_experiment
from actors.app.http import health, metrics
from actors.app.http.app import Plug, make_app
from actors.app.http.health import Vitals, why_not_alive, why_not_ready
from actors.app.http.metric_names import OF_THE_RUN, SPECS
from actors.app.http.metrics import STATES
from actors.app.http.source import Source
from tests.worlds import NOW

ROOT = Path(__file__).parents[4]
CONFIG = ROOT / "config" / "quickstart.toml"

STATUS: dict[str, Any] = {
    "pid": 1,
    "state": "running",
    "ready": True,
    "reasons": [],
    "startup": {"done": 7, "total": 7},
    "speed": "max",
    "tick": 7,
    "paused": False,
    "panic": None,
    "pending_reload": [],
    "uptime_s": 3.0,
    "lag_s": 0.0,
    "beat": {"commit_age_s": 0.5, "waiting": 0},
    "gauges": Gauges().snapshot(),
}


def vitals(age_s: float = 0.5, **status: Any) -> Vitals:
    said = STATUS | status
    return Vitals(expected=True, age_s=age_s, status=said, known=True, behind=0, trouble=False)


def beat(commit_age_s: float, waiting: int) -> dict[str, float]:
    return {"commit_age_s": commit_age_s, "waiting": waiting}


@pytest.mark.parametrize(
    ("seen", "reasons"),
    [
        (vitals(), []),
        (vitals(beat=beat(31.0, 0), state="paused"), []),
        (vitals(beat=beat(29.0, 5)), []),
        (vitals(beat=beat(31.0, 5)), ["writer_stalled"]),
        (vitals(beat=beat(31.0, 5), state="storage_full"), []),
        (vitals(beat=beat(31.0, 5), state="catching_up"), []),
        (vitals(age_s=5.1), ["writer_silent"]),
    ],
)
def test_only_what_a_restart_would_mend_makes_it_dead(seen: Vitals, reasons: list[str]) -> None:
    assert why_not_alive(seen) == reasons


@pytest.mark.parametrize(
    ("seen", "reasons"),
    [
        (vitals(), []),
        (vitals(state="storage_full", reasons=["storage_full"]), ["storage_full"]),
        (vitals(state="draining", reasons=["draining"]), ["draining"]),
        (vitals(beat=beat(31.0, 0)), ["clock_stalled"]),
        (vitals(beat=beat(31.0, 0), speed="1x", lag_s=2.0), []),
        (vitals(beat=beat(31.0, 0), speed="1x", lag_s=61.0), ["clock_stalled"]),
        (vitals(beat=beat(31.0, 0), state="waiting"), []),
        (vitals(age_s=6.0), ["writer_silent"]),
        (
            Vitals(expected=True, age_s=0, status={}, known=True, behind=0, trouble=False),
            ["starting"],
        ),
        (Vitals(expected=False, age_s=9, status={}, known=True, behind=0, trouble=False), []),
        (
            Vitals(expected=False, age_s=9, status={}, known=False, behind=0, trouble=False),
            ["follower_starting"],
        ),
        (
            Vitals(expected=False, age_s=9, status={}, known=True, behind=30_000, trouble=False),
            ["follower_behind"],
        ),
        (
            Vitals(expected=False, age_s=9, status={}, known=True, behind=30_000, trouble=True),
            ["follower_broken"],
        ),
    ],
)
def test_what_is_not_ready_says_why(seen: Vitals, reasons: list[str]) -> None:
    assert why_not_ready(seen) == reasons


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("health") / "run"
    folder.mkdir()
    small = ("run.days=8", "population.agents=6", "evolution.cycle_days=3")
    asyncio.run(run_experiment(prepare(CONFIG, small, now=NOW), folder))
    return folder


class Writer:
    """Answers as a daemon would, or not at all while it `stalls`."""

    def __init__(self, **status: Any) -> None:
        self.status = STATUS | status
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.asked = 0

    async def handle(self, request: Request) -> Reply:
        self.asked += 1
        await self.goes_on.wait()
        return Reply(self.status if request.op == "status" else {})


@asynccontextmanager
async def serving(run: Path, socket: Path | None, writer: Writer | None) -> AsyncIterator[Client]:
    """Serve `run` in this process, with `writer` behind a real socket."""
    async with AsyncExitStack() as stack:
        control = None
        if socket is not None and writer is not None:
            await stack.enter_async_context(ControlServer(socket, writer.handle))
            stack.callback(writer.goes_on.set)
            control = AsyncControlClient(socket)
        app = make_app(
            Source(run), control=control, plugs=(Plug(routers=(health.router, metrics.router)),)
        )
        await stack.enter_async_context(app.router.lifespan_context(app))
        transport = httpx.ASGITransport(app=app)
        client = httpx.AsyncClient(transport=transport, base_url="http://test")
        await stack.enter_async_context(client)
        follower, pulse = app.state.reading.follower, app.state.pulse
        while not follower.progress.done or (control is not None and pulse.status is None):  # noqa: ASYNC110
            await asyncio.sleep(0)
        yield Client(client, app.state.pulse)


class Client:
    """Asks for a path, and knows the pulse."""

    def __init__(self, client: httpx.AsyncClient, pulse: Any) -> None:
        self._client, self.pulse = client, pulse

    async def get(self, path: str) -> tuple[int, dict[str, Any]]:
        answer = await self._client.get(path)
        return answer.status_code, answer.json()

    async def samples(self) -> dict[str, list[Sample]]:
        text = (await self._client.get("/metrics")).text
        families = text_string_to_metric_families(text)
        return {family.name: family.samples for family in families}


@pytest.mark.asyncio
async def test_a_daemon_that_is_well_says_so(run: Path, tmp_path: Path) -> None:
    async with serving(run, tmp_path / "s", Writer()) as client:
        assert await client.get("/readyz") == (
            200,
            {"ok": True, "state": "running", "reasons": [], "behind": 0},
        )
        assert (await client.get("/livez"))[0] == 200
        assert (await client.get("/startupz"))[1]["done"] == 7


@pytest.mark.asyncio
async def test_one_that_is_catching_up_says_how_far_it_is(run: Path, tmp_path: Path) -> None:
    writer = Writer(state="catching_up", reasons=["catching_up"], startup={"done": 3, "total": 9})
    async with serving(run, tmp_path / "s", writer) as client:
        startup = await client.get("/startupz")
        ready, live = await client.get("/readyz"), await client.get("/livez")

    assert startup == (
        503,
        {"ok": False, "state": "catching_up", "reasons": ["catching_up"], "done": 3, "total": 9},
    )
    assert (ready[0], ready[1]["reasons"]) == (503, ["catching_up"])
    assert live[0] == 200


@pytest.mark.asyncio
async def test_who_asks_is_answered_while_the_writer_says_nothing(
    run: Path, tmp_path: Path
) -> None:
    writer = Writer()
    async with serving(run, tmp_path / "s", writer) as client:
        writer.goes_on.clear()
        client.pulse._seen_s -= 60
        code, said = await client.get("/livez")
        up = (await client.samples())["arena_writer_up"]

    assert (code, said["reasons"]) == (503, ["writer_silent"])
    assert [sample.value for sample in up] == [0]


@pytest.mark.asyncio
async def test_a_stored_run_is_healthy_by_itself(run: Path) -> None:
    async with serving(run, None, None) as client:
        assert (await client.get("/livez"))[1]["state"] == "stored"
        assert (await client.get("/readyz"))[0] == 200
        assert (await client.get("/startupz"))[0] == 200
        shown = await client.samples()

    assert {name for name, samples in shown.items() if samples and name.startswith("arena_")} >= {
        family(spec.name) for spec in OF_THE_RUN if spec.name not in NONE_YET
    }
    assert shown["arena_commit_seconds"] == []
    assert {one.value for one in shown["arena_ledger_imbalance_micro"]} == {0}


NONE_YET = {"arena_agent_failures_total", "arena_gate_failures_total", "arena_graduations_total",
            "arena_kills_total"}  # fmt: skip
"""What did not happen in eight days has no series."""


def family(name: str) -> str:
    return name.removesuffix("_total")


@pytest.mark.asyncio
async def test_every_metric_is_named_and_none_names_an_agent(run: Path, tmp_path: Path) -> None:
    async with serving(run, tmp_path / "s", Writer()) as client:
        shown = await client.samples()

    assert {name for name in shown if "process" not in name} == {
        family(spec.name) for spec in SPECS
    }
    assert shown["arena_state"][
        [s.labels["state"] for s in shown["arena_state"]].index("running")
    ].value
    labels = {spec.name: set(spec.labels) for spec in SPECS}
    for samples in shown.values():
        for sample in samples:
            assert not any("g000-" in value for value in sample.labels.values())
            if sample.name in labels:
                assert sample.labels.keys() == labels[sample.name]


def test_the_states_are_those_of_the_daemon() -> None:
    assert tuple(State) == STATES


def test_the_page_of_the_metrics_says_all_of_them_and_no_others() -> None:
    page = (ROOT / "docs" / "reference" / "metrics.md").read_text()
    for spec in SPECS:
        name = f"`{spec.name}{{{','.join(spec.labels)}}}`" if spec.labels else f"`{spec.name}`"
        assert f"| {name} | {spec.kind} | {spec.unit} | {spec.meaning} |\n" in page
    rows = [line for line in page.splitlines() if line.startswith("| `arena_")]

    assert len(rows) == len(SPECS)
