"""A file gets its name whole and synced, and never takes another one's."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.journal.placing import appearing


def test_who_comes_second_is_told_what_is_there_already(tmp_path: Path) -> None:
    path = tmp_path / "run.db"

    with pytest.raises(FileExistsError, match=r"run.db' exists, and nothing"), appearing(path):
        path.write_text("somebody was faster")

    assert path.read_text() == "somebody was faster"
    assert [each.name for each in tmp_path.iterdir()] == ["run.db"]


def test_what_was_not_finished_leaves_nothing(tmp_path: Path) -> None:
    def break_off() -> None:
        with appearing(tmp_path / "run.db") as building:
            building.with_name(f"{building.name}-journal").touch()
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        break_off()

    assert [*tmp_path.iterdir()] == []
