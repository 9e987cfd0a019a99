"""A run is there as a whole or not at all, of the old schema or the new, whenever power goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.journal.schema import migrations
from tests.powercut.life import Stage
from tests.powercut.making import cut_creation, cut_upgrade


def test_a_run_comes_into_being_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    assert cut_creation(Stage(tmp_path / "run")).keys() == {"there", "not there"}


@pytest.mark.parametrize("version", range(1, len(migrations())))
def test_an_upgrade_ends_at_one_schema_and_keeps_every_row(tmp_path: Path, version: int) -> None:
    outcomes = cut_upgrade(tmp_path / "run", version)

    assert outcomes.keys() == set(range(version, len(migrations()) + 1))
