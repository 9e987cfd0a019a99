"""Pages of the history, put together, are the history; what they say is what is stored."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.app.explaining.chain import trace
from actors.app.folding import fold_run
from actors.app.http import follower
from actors.app.http import navs as navs_module
from actors.app.http.entries import entry_json
from actors.app.http.heavy import Until
from actors.app.http.navs import Navs, close_in, close_of, looked_at, place_of
from actors.app.inspecting import entry_data
from actors.journal import pages
from actors.journal.codec import decode
from actors.journal.pages import Wanted, entry_page, ledger_page
from actors.journal.reader import JournalReader, open_run
from arena.events import Settlement, TickSettled
from arena.exceptions import EventSourcingError
from arena.ids import AgentId

TYPES = [None, "TickSettled", "AgentKilled", "AgentGraduated", "RunCompleted", "RunForked"]
AGENTS = [None, "g000-001", "baseline-cash", "nobody"]


@pytest.fixture(scope="module")
def run(seen):
    with open_run(seen) as reader:
        yield reader


@pytest.fixture(scope="module")
def entries(run):
    return [*run.entries()]


@pytest.fixture(scope="module")
def whole(run):
    return fold_run(run)


@pytest.fixture(scope="module")
def settled(run):
    return [event for _, event in run.facts() if isinstance(event, TickSettled)]


@given(
    scan=st.integers(1, 700),
    limit=st.integers(1, 300),
    after=st.integers(0, 700),
    kind=st.sampled_from(TYPES),
    agent=st.sampled_from(AGENTS),
    newest_first=st.booleans(),
    bytes_max=st.sampled_from([1, 5_000, 1 << 20]),
)
def test_pages_put_together_are_what_was_asked_for(
    run, entries, *, scan, limit, after, kind, agent, newest_first, bytes_max
):
    expected = [
        each
        for each in entries
        if each.seq > after and kind in {None, each.event_type} and agent in {None, each.agent_id}
    ]
    found, low, high = [], after, None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "SCAN", scan)
        while True:
            wanted = Wanted(
                after_seq=low,
                before_seq=high,
                limit=limit,
                event_type=kind,
                agent_id=agent,
                newest_first=newest_first,
            )
            page = entry_page(run, wanted, bytes_max=bytes_max)
            assert len(page.entries) <= limit
            found += page.entries
            if page.next is None:
                break
            low, high = (after, page.next) if newest_first else (page.next, None)

    assert found == (expected[::-1] if newest_first else expected)


@given(
    scan=st.integers(1, 400),
    limit=st.integers(1, 300),
    upto=st.integers(0, 900),
    account=st.sampled_from([None, "reserve", "market", "agent:g000-001"]),
)
def test_pages_of_the_ledger_put_together_are_the_ledger(run, scan, limit, upto, account):
    expected = [
        row
        for row in run.transfers()
        if row.event_seq <= upto and account in {None, row.debit_account, row.credit_account}
    ]
    found, place = [], (0, 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "SCAN", scan)
        while place is not None:
            page = ledger_page(run, place, limit, upto=upto, account=account)
            found += page.rows
            place = page.next

    assert found == expected


def test_an_entry_is_the_same_json_whether_it_is_read_or_passed_on(entries):
    for entry in entries:
        assert json.loads(entry_json(entry)) == entry_data(entry)
        assert "\n" not in entry_json(entry)


def test_the_navs_that_are_found_in_the_text_are_those_that_were_settled(entries):
    looked_at = 0
    for entry in entries:
        if entry.event_type != "TickSettled":
            continue
        event = decode(entry.event_type, entry.type_version, entry.data)
        assert isinstance(event, TickSettled)
        close = close_in(entry)
        assert close == close_of(event)
        assert [*close.navs] == [*event.real.nav, *event.virtual.nav]
        for row, agent in enumerate([*event.real.agents, *event.virtual.agents]):
            assert place_of(agent, close.names) == row
            looked_at += 1
        assert place_of("nobody", close.names) is None
    assert looked_at > 500


@settings(max_examples=25)
@given(
    kept_max=st.integers(0, 60_000),
    asked=st.lists(st.tuples(st.integers(0, 60), st.booleans(), st.booleans()), max_size=8),
)
def test_what_is_at_hand_for_the_next_question_changes_no_answer(
    run, whole, settled, *, kept_max, asked
):
    at = (run.head().seq, whole.tick)
    everybody = [*whole.agents.values(), *whole.dead.values()]
    navs, ticks = Navs(kept_max), iter(settled)
    for row, takes_over, goes_on in asked:
        agent = everybody[row % len(everybody)]

        assert navs.find(run, agent, at, 1000, Until(60)) == Navs().find(
            run, agent, at, 1000, Until(60)
        )

        if takes_over:
            navs.take_over(whole.tick)
        if goes_on:
            navs.add(next(ticks))
        assert navs.kept <= kept_max


def test_what_is_at_hand_is_not_read_again(run, whole, settled):
    at = (run.head().seq, whole.tick)
    agent = whole.agents[AgentId("baseline-cash")]
    followed, asked = Navs(), Navs()
    for event in settled:
        followed.add(event)
    expected = asked.find(run, agent, at, 1000, Until(60))
    asked.take_over(whole.tick)

    with closing(sqlite3.connect(":memory:")) as nothing:
        empty = JournalReader(run.path, nothing)
        assert followed.find(empty, agent, at, 1000, Until(60)) == expected
        assert asked.find(empty, agent, at, 1000, Until(60)) == expected


def test_what_is_forgotten_first_is_what_nobody_looks_at(monkeypatch):
    monkeypatch.setattr(navs_module, "READ_MAX", 4)
    room = 16 * (navs_module.BESIDE_BYTES + 8)
    navs = Navs(room)
    one = Settlement(agents=(AgentId("g000-001"),), nav=(1.0,))
    facts = {"prices": {}, "fills": (), "refused": (), "real": Settlement(), "fund_nav": 1.0}
    for tick in range(1, 41):
        navs.add(TickSettled(tick=tick, virtual=one, **facts))

        wanted = {each for born in range(tick) for each in looked_at(born, tick)}
        assert wanted <= {*navs._closes}
        assert len(navs._closes) * room == navs.kept * 16 <= room * 16


def test_a_tick_that_is_applied_again_takes_no_more_room(settled):
    navs = Navs()
    for event in settled:
        navs.add(event)
    kept = navs.kept
    for event in settled:
        navs.add(event)

    assert navs.kept == kept


@pytest.mark.asyncio
async def test_an_entry_can_be_followed_back_to_its_command(seen, run, entries, open_web):
    killed = next(each for each in entries if each.event_type == "AgentKilled")
    async with open_web(seen) as web:
        shown = (await web.get(f"events/{killed.seq}")).json()
        cause = (await web.get(f"events/{killed.seq}/cause")).json()

    assert shown["event"] == entry_data(killed)
    assert [step["seq"] for step in cause["chain"]] == [s.entry.seq for s in trace(run, killed.seq)]
    assert cause["command"] == cause["chain"][-1]["command"]


@pytest.mark.asyncio
async def test_a_cycle_is_found_by_its_number(seen, entries, open_web):
    async with open_web(seen) as web:
        for entry in entries:
            if entry.event_type == "EvolutionCycleComplete":
                cycle = json.loads(entry.data)
                found = (await web.get(f"allocator/cycles/{cycle['cycle']}")).json()
                assert (found["seq"], found["cycle"]) == (entry.seq, cycle)


@pytest.mark.asyncio
async def test_an_agents_equity_is_its_nav_from_birth_to_the_last_close(seen, run, open_web):
    events = [event for _, event in run.facts() if isinstance(event, TickSettled)]
    async with open_web(seen) as web:
        agents = (await web.get("agents", state="all", limit=1000)).json()["agents"]
        dead = next(row for row in agents if row["died"] and row["born"])
        whole = (await web.get(f"agents/{dead['agent']}/equity", points=1000)).json()
        thin = (await web.get(f"agents/{dead['agent']}/equity", points=3)).json()

    closes = {
        event.tick: dict(zip(event.virtual.agents, event.virtual.nav, strict=True))
        | dict(zip(event.real.agents, event.real.nav, strict=True))
        for event in events
    }
    lived = range(dead["born"] + 1, dead["died"] + 1)
    expected = [(dead["born"], 1.0), *((t, closes[t][dead["agent"]]) for t in lived)]
    assert [(each["tick"], each["nav"]) for each in whole["points"]] == expected
    assert whole["closes"] == whole["read"] == len(expected)
    assert len(thin["points"]) == 3
    assert (thin["points"][0], thin["points"][-1]) == (whole["points"][0], whole["points"][-1])


@pytest.mark.asyncio
async def test_a_damaged_entry_is_not_passed_on(seen, entries, open_web, tmp_path):
    copied = tmp_path / "run"
    seq = next(each.seq for each in entries if each.event_type == "CapitalConservationCheck")
    shutil.copytree(seen, copied)
    with closing(sqlite3.connect(copied / "run.db")) as db:
        db.execute("DROP TRIGGER events_update")
        db.execute("UPDATE events SET data = replace(data, '0', '1') WHERE seq = ?", [seq])
        db.commit()
    async with open_web(copied) as web:
        page = await web.get("events", after_seq=seq - 1, limit=5)
        alone = await web.get(f"events/{seq}")
        back = await web.get(f"events/{seq}/cause")
        rest = await web.get("events", after_seq=seq, limit=5)

    for each in (page, alone, back):
        assert (each.status_code, each.json()["code"]) == (503, "run_unreadable")
    assert rest.status_code == 200


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE events SET data = replace(data, '\"nav\":[1.', '\"nav\":[9.') WHERE seq = ?",
        "UPDATE events SET data = '{}' WHERE seq = ?",
        "DELETE FROM events WHERE seq = ?",
    ],
    ids=["another number", "no numbers", "nothing"],
)
def test_a_curve_is_not_drawn_through_a_damaged_tick(damage, seen, whole, entries, tmp_path):
    agent = whole.agents[AgentId("baseline-cash")]
    seq = [each.seq for each in entries if each.event_type == "TickSettled"][20]
    with open_run(changed(seen, tmp_path, damage, seq)) as spoiled:
        navs = Navs()
        with pytest.raises(EventSourcingError):
            navs.find(spoiled, agent, (entries[-1].seq, whole.tick), 1000, Until(60))
        navs.take_over(whole.tick)

        assert navs.kept == 0


@pytest.mark.asyncio
async def test_a_damaged_config_is_said_and_takes_nothing_else_along(seen, open_web, tmp_path):
    damage = "UPDATE meta SET value = '{' WHERE key = 'settings' AND ? = 0"
    async with open_web(changed(seen, tmp_path, damage, 0)) as web:
        config, status = await web.get("config"), await web.get("status")

    assert (config.status_code, config.json()["code"]) == (503, "run_unreadable")
    assert status.status_code == 200


@pytest.mark.parametrize("checks", ["{", "[]", "0"])
def test_damaged_checks_are_damage(checks):
    with pytest.raises(EventSourcingError, match="checks"):
        pages.checks_failed(checks)


@pytest.mark.asyncio
async def test_an_answer_about_one_run_is_not_taken_from_another(
    seen, tmp_path, open_web, monkeypatch
):
    monkeypatch.setattr(follower, "POLL_S", 60.0)  # It will not notice.
    monkeypatch.setattr(follower, "POLL_MAX_S", 60.0)
    shorter = changed(seen, tmp_path / "other", "DELETE FROM events WHERE seq > ?", 30)
    copied = shutil.copytree(seen, tmp_path / "run")
    async with open_web(copied) as web:
        last = web.reading.view.seq
        os.replace(shorter / "run.db", copied / "run.db")
        for asked in (
            "events",
            f"events/{last}",
            f"events/{last}/cause",
            "ledger",
            "allocator/cycles/1",
            "agents/g000-001/equity",
            "agents/g000-001/why",
        ):
            found = await web.get(asked)
            assert (found.status_code, found.json()["code"]) == (503, "run_unreadable"), asked


def changed(run, folder, statement, seq):
    """Return a copy of `run` below `folder` in which `statement` was executed."""
    copied = shutil.copytree(run, folder / "changed")
    with closing(sqlite3.connect(copied / "run.db")) as db:
        for kind in ("update", "delete"):
            db.execute(f"DROP TRIGGER events_{kind}")
        assert db.execute(statement, [seq]).rowcount
        db.commit()
    return copied
