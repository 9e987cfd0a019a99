"""What was acknowledged survives the power: after any cut it is there, byte by byte, and once.

These are samples; `python -m tests.powercut` cuts everywhere.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.powercut.disk import MODES
from tests.powercut.life import Stage
from tests.powercut.proof import Recording, live_dangerously


def where_it_matters(recording: Recording, step: int) -> list[int]:
    """Return each sync, what follows it, and every `step`th operation."""
    syncs = [number for number, op in enumerate(recording.trace) if op.kind == "sync"]
    every = range(0, len(recording.trace) + 1, step)
    return sorted({*syncs, *(number + 1 for number in syncs), *every})


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return Recording(Stage(tmp_path_factory.mktemp("cuts") / "run"))


@pytest.mark.parametrize("mode", MODES)
def test_no_power_cut_takes_what_was_acknowledged(recording: Recording, mode: str) -> None:
    tally = recording.cut(where_it_matters(recording, 20), [mode])[mode]

    assert tally.acked > 1000
    assert tally.lost == 0


def test_a_store_that_syncs_too_seldom_is_found_out(tmp_path: Path) -> None:
    recording = Recording(Stage(tmp_path / "run"), synchronous=1)

    tally = recording.cut(range(0, len(recording.trace), 16), ["drop"])["drop"]

    assert tally.lost > 0


@pytest.mark.parametrize("seed", range(20))
def test_one_power_cut_after_the_other_takes_nothing(tmp_path: Path, seed: int) -> None:
    assert live_dangerously(Stage(tmp_path / "run"), seed)["lost"] == 0
