"""A failing seed is the bug report: it is named, it fails again, and every pytest can run it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from actors.testing.sweep import sweep

MODES = {
    "strict": ["-o", "asyncio_mode=strict"],
    "auto": ["-o", "asyncio_mode=auto"],
    "without": ["-p", "no:asyncio"],
}
INSTALLED = any(each.name == "treasury_arena" for each in entry_points(group="pytest11"))

SUITE = """
import asyncio
import pytest
from actors.testing import ArenaHarness, SimLoop, assert_schedule_free, trend
from tests.testing.troupe import Half, Herd

seen = []

@pytest.mark.arena(seeds=8)
async def test_that_passes(arena_seed):
    assert isinstance(asyncio.get_running_loop(), SimLoop)
    async with ArenaHarness(strategies=[Half], market=trend(days=5), agents=2) as arena:
        await arena.run()
    seen.append(arena_seed)

def test_that_every_seed_was_run():
    assert seen == [*range(8)]

@pytest.mark.arena
async def test_with_a_race():
    async with ArenaHarness(strategies=[Herd], market=trend(days=5), agents=3) as arena:
        await arena.run()
        await assert_schedule_free(arena)

class TestInAClass:
    @pytest.fixture
    def days(self):
        return 3

    @pytest.mark.arena(seeds=2)
    @pytest.mark.parametrize("agents", [1, 2])
    async def test_with_fixtures(self, days, agents, tmp_path):
        async with ArenaHarness(strategies=[Half], market=trend(days=5), agents=agents) as arena:
            assert await arena.run(days) == 3
        assert tmp_path.is_dir()

@pytest.mark.arena
async def test_that_is_skipped():
    pytest.skip("not today")
"""

USES_NO_LOOP = """
import asyncio
import pytest
from actors.testing import ArenaHarness, trend
from tests.testing.troupe import Half

{mark}
async def test_in_somebody_s_loop():
    tasks = asyncio.all_tasks()
    async with ArenaHarness(strategies=[Half], market=trend(days=5), agents=2) as arena:
        await asyncio.sleep(0)
        assert await arena.run() == 5
        assert asyncio.all_tasks() == tasks
"""


def run_pytest(
    folder: Path, text: str, *words: str, found: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run a suite of one file in a process of its own, with warnings as errors.

    The plugins that it needs are named, unless pytest shall have `found` them.
    """
    (folder / "test_it.py").write_text(text)
    has_asyncio = "no:asyncio" not in words
    scope = "asyncio_default_fixture_loop_scope = function\n" if has_asyncio else ""
    (folder / "pytest.ini").write_text(
        f"[pytest]\naddopts = --strict-markers\nfilterwarnings = error\n{scope}"
    )
    named = ["-p", "actors.testing.plugin", *(["-p", "asyncio"] if has_asyncio else [])]
    command = [sys.executable, "-m", "pytest", *([] if found else named), "-p", "no:cacheprovider"]
    root = Path(__file__).parents[2]
    return subprocess.run(
        [*command, *words, "--rootdir", folder, "-c", folder / "pytest.ini", folder],
        cwd=root,
        env=os.environ | ({} if found else {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_every_mode_sweeps_and_names_the_seed_that_fails(mode: list[str], tmp_path: Path) -> None:
    done = run_pytest(tmp_path, SUITE, *mode)

    assert "1 failed, 4 passed, 1 skipped" in done.stdout, done.stdout + done.stderr
    assert "another order of tasks made another history" in done.stdout
    (seed,) = set(re.findall(r"arena: seed (\d+) breaks this test", done.stdout))
    assert f'pytest "test_it.py::test_with_a_race" --arena-seed {seed}' in done.stdout
    assert f"@pytest.mark.arena(seed={seed})" in done.stdout

    kept = SUITE.replace("arena\nasync def test_with", f"arena(seed={seed})\nasync def test_with")
    for text, words in ((SUITE, ["--arena-seed", seed]), (kept, [])):
        again = run_pytest(tmp_path, text, *mode, "-k", "race", *words)
        assert f"seed {seed} breaks this test; 0 before it did not" in again.stdout


@pytest.mark.parametrize(
    ("mode", "mark"), [("strict", "@pytest.mark.asyncio"), ("auto", "")], ids=["strict", "auto"]
)
def test_an_arena_runs_within_somebody_s_loop(mode: str, mark: str, tmp_path: Path) -> None:
    done = run_pytest(tmp_path, USES_NO_LOOP.format(mark=mark), *MODES[mode])

    assert "1 passed" in done.stdout, done.stdout


@pytest.mark.skipif(not INSTALLED, reason="a source tree alone has no plugin to be found")
def test_it_is_found_and_can_be_spread_over_processes_or_left_out(tmp_path: Path) -> None:
    spread = run_pytest(tmp_path, SUITE, "-n", "2", "-k", "fixtures or race", found=True)
    assert "1 failed, 2 passed" in spread.stdout, spread.stdout

    out = run_pytest(tmp_path, SUITE, "-p", "no:treasury_arena", found=True)
    assert "'arena' not found in `markers`" in out.stdout


HEAD = """
import asyncio
import itertools
import pytest

left = []
runs = itertools.count()
again = itertools.count()
"""
MARK = "takes arena(seeds=100, seed=None)"
BAD = {
    "@pytest.mark.arena(5)\nasync def test_0(): pass": MARK,
    "@pytest.mark.arena(seeds=0)\nasync def test_1(): pass": MARK,
    "@pytest.mark.arena(days=3)\nasync def test_2(): pass": MARK,
    "@pytest.mark.arena\ndef test_3(): pass": "the mark `arena` is for `async def` tests",
    "@pytest.mark.arena\nasync def test_4():\n"
    "    left.append(asyncio.get_running_loop().create_task(asyncio.sleep(9)))": "left behind:",
    "@pytest.mark.arena\nasync def test_5(): pytest.fail('no')": "Failed: no",
    "@pytest.mark.arena\nasync def test_6():\n"
    "    assert next(runs) != 3": "but it did not fail when it was run once more",
    "@pytest.mark.arena\nasync def test_7():\n"
    "    run = next(again)\n"
    "    assert run < 3, f'was {run}'": "once more it failed like this: AssertionError: was 4",
}


def test_what_is_wrong_with_a_test_is_said(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, HEAD + "\n".join(BAD))

    assert f"{len(BAD)} failed" in done.stdout, done.stdout
    for message in BAD.values():
        assert message in done.stdout, message


def test_a_sweep_ends_at_the_first_seed_that_fails() -> None:
    tried = []

    async def test(seed: int) -> None:
        tried.append(seed)
        assert seed < 3

    failed = sweep(test, range(10))

    assert failed is not None
    assert (failed.seed, failed.passed) == (3, 3)
    assert tried == [0, 1, 2, 3, 3], "and it is run once more"
    assert sweep(test, range(3)) is None
