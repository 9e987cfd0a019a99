"""A stored run, folded: what went out as plain data comes back as what it was."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from actors.app.folding import fold_run
from actors.app.inspecting import agent_facts
from actors.app.latest import fold_latest, newest_state
from actors.journal.reader import open_run
from arena.agents import Agent, Record
from arena.experiment import from_plain, plain
from arena.treasury import Treasury
from arena.words import Book, Layer, Scalar, Tier


@pytest.fixture(scope="module")
def folded(finished) -> Treasury:
    with open_run(finished) as stored:
        return fold_run(stored)


def canonical(value: object) -> str:
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def test_every_agent_comes_back_from_plain_data_as_it_was(folded):
    agents = [*folded.agents.values(), *folded.dead.values()]
    for agent in agents:
        text = canonical(agent)
        back = from_plain(Agent, json.loads(text))

        assert back == agent
        assert canonical(back) == text
        assert type(back.layer) is Layer
        assert type(back.tier) in {Tier, type(None)}
        assert type(back.life) is Record
    assert {agent.layer for agent in agents} > {Layer.SIMULATION}


def test_the_books_come_back_by_their_own_names(folded):
    books = from_plain(dict[Book, dict[str, int]], json.loads(canonical(folded.books)))

    assert books == folded.books
    assert {type(book) for book in books} == {Book}


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Tier | None, None),
        (Tier | None, Tier.ELITE),
        (Scalar, "elite"),
        (Scalar, None),
        (tuple[int, int], (3, 4)),
        (tuple[str, ...], ()),
        (dict[str, tuple[Scalar, Scalar]], {"days": (3, 4.5)}),
    ],
)
def test_annotations_say_what_plain_data_was(kind, value):
    back = from_plain(kind, json.loads(canonical(value)))

    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize(
    "spoil",
    ["", "UPDATE snapshots SET state = '{}'", "UPDATE snapshots SET event_hash = state_hash"],
)
def test_where_a_run_stands_is_the_same_from_its_newest_snapshot_on(
    finished, snapshot_at, tmp_path, spoil
):
    copy = shutil.copytree(finished, tmp_path / "run")
    with open_run(copy) as stored:
        whole, middle = fold_run(stored), stored.head().seq // 2
    snapshot_at(copy, middle)
    with closing(sqlite3.connect(copy / "run.db")) as connection, connection:
        connection.executescript(spoil)

    with open_run(copy) as stored:
        assert newest_state(stored, whole.experiment)[1].seq == (0 if spoil else middle)
        for upto in (None, middle + 1, middle, middle - 1):
            then = whole if upto is None else fold_run(stored, upto)
            assert canonical(fold_latest(stored, upto).to_plain()) == canonical(then.to_plain())


def test_an_agent_is_shown_alike_from_a_snapshot_and_from_the_events(finished):
    with open_run(finished) as stored:
        folded = fold_run(stored)
    for agent in folded.agents.values():
        genome = replace(agent.genome, parameters=dict(reversed(agent.genome.parameters.items())))
        turned = replace(agent, genome=genome)

        assert canonical(turned) == canonical(agent)
        shown = [json.dumps(agent_facts(folded, each)) for each in (agent, turned)]
        assert shown[0] == shown[1]
