"""Whatever goes wrong around the allocator, no promise is broken; and the soak can be trusted."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from actors.app.cli import cli
from actors.app.exits import ExitCode
from actors.app.soak import reproduce, run_seed
from actors.app.soak.swarm import LIVES, draw_swarm
from actors.app.soak.world import World
from actors.simulator import Explore

CHUNKS, SEEDS = 10, 20
FOUND = [
    line.split(maxsplit=2)
    for line in (Path(__file__).parent / "seeds.txt").read_text().splitlines()
    if line and line[0] != "#"
]


def soak(*words: str) -> Result:
    return CliRunner().invoke(cli, ["soak", "--jobs", "1", *words], "arena")


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_seed_breaks_a_promise(chunk: int) -> None:
    outcomes = [run_seed(seed, "both") for seed in range(chunk * SEEDS, (chunk + 1) * SEEDS)]

    assert {each.seed: each.faults for each in outcomes if each.faults} == {}
    assert min(each.crashes for each in outcomes) >= LIVES
    assert sum(each.lost for each in outcomes) == 0
    assert sum(each.acked for each in outcomes) > SEEDS * 10
    assert sum(each.duplicates for each in outcomes) > SEEDS


@pytest.mark.parametrize(("seed", "scenario", "what"), FOUND)
def test_a_seed_that_found_something_finds_nothing_any_more(
    seed: str, scenario: str, what: str
) -> None:
    assert run_seed(int(seed), scenario).faults == (), what


def test_the_same_seed_gives_the_same_run() -> None:
    for seed in range(1, 6):
        assert run_seed(seed, "crowd") == run_seed(seed, "crowd")


def test_every_schedule_writes_the_same_journal() -> None:
    heads = {run_seed(seed, "cast").head for seed in range(8)}
    schedules = {run_seed(seed, "cast").fingerprint for seed in range(8)}

    assert len(heads) == 1
    assert len(schedules) == 8


def test_a_run_without_a_finding_ends_well_and_says_what_it_did() -> None:
    answer = soak("--seeds", "3..5", "--scenario", "crowd", "--json")
    said = json.loads(answer.stdout)

    assert answer.exit_code == ExitCode.OK
    assert (said["seeds"], said["lost"], said["violations"], said["broken"]) == (3, 0, 0, [])
    assert said["crashes"] >= 3 * LIVES
    assert said["duplicates"] > 0
    assert "acknowledged and lost" in soak("--seeds", "3..3", "--scenario", "crowd").stdout


def test_a_finding_is_told_with_the_command_that_shows_it_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def broken(world: World) -> None:
        world.faults.append("I5 something was lost")

    monkeypatch.setattr(World, "run", broken)
    answer = soak("--seeds", "7..8", "--scenario", "crowd")

    assert answer.exit_code == ExitCode.INVARIANT
    assert "seed 7: I5 something was lost" in answer.stdout
    assert f"try: {reproduce(7, 'crowd')}" in answer.stdout


@pytest.mark.parametrize("words", [("--seeds", "3"), ("--seeds", "9..1"), ("--scenario", "crwd")])
def test_what_cannot_be_used_is_refused(words: tuple[str, str]) -> None:
    assert soak(*words).exit_code == ExitCode.USAGE


def test_all_ways_to_explore_are_tried_and_every_fault_is_off_in_some_seeds() -> None:
    swarms = [draw_swarm(random.Random(seed)) for seed in range(100)]

    assert {swarm.explore for swarm in swarms} == {*Explore}
    for fault in ("clean_stop", "other_body", "poison", "give_up", "flood", "clock_jump"):
        assert 0 < sum(getattr(swarm, fault) == 0 for swarm in swarms) < 100, fault
