"""A run whose files were damaged is what it was, or it is refused; never a silently shorter one.

These are samples; `python -m tests.tamper` takes every place.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.tamper.files import Damage, Ruin, killed_run
from tests.tamper.life import live_and_close

FLIPS = 40
CUTS = 20


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Ruin:
    return killed_run(tmp_path_factory.mktemp("killed") / "run")


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Ruin:
    return Ruin.of(live_and_close(tmp_path_factory.mktemp("closed")))


def places(ruin: Ruin, file: str, number: int) -> list[int]:
    """Return places all over a file: where things begin, and others by chance."""
    size, dice = ruin.size(file), random.Random(file)
    return sorted({0, size - 1, *(dice.randrange(size) for _ in range(number))})


@pytest.mark.slow
def test_what_was_in_the_wal_alone_is_read_or_missed(killed: Ruin, tmp_path: Path) -> None:
    assert killed.size("run.db-wal") > 0

    cuts = [Damage("run.db-wal", at, cut=True) for at in places(killed, "run.db-wal", CUTS)]
    flips = [Damage("run.db-wal", at) for at in places(killed, "run.db-wal", FLIPS)]
    outcomes = [killed.what_becomes_of(each, tmp_path / "copy") for each in cuts + flips]

    assert "LOST" not in {outcome for pair in outcomes for outcome in pair}
    assert ("refused", "refused") in outcomes


@pytest.mark.slow
def test_a_wal_that_is_gone_is_history_lost(killed: Ruin, tmp_path: Path) -> None:
    damage = Damage("run.db-wal", 0, cut=True)

    assert killed.what_becomes_of(damage, tmp_path / "copy") == ("refused", "refused")


@pytest.mark.slow
def test_no_byte_of_the_database_changes_the_history_unseen(closed: Ruin, tmp_path: Path) -> None:
    flips = [Damage("run.db", at) for at in places(closed, "run.db", 2 * FLIPS)]
    outcomes = [closed.what_becomes_of(each, tmp_path / "copy") for each in flips]

    assert "LOST" not in {read for read, _ in outcomes}
    assert "refused" in {read for read, _ in outcomes}
