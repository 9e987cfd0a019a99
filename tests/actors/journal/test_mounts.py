"""A run is written on a disk of this machine, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.journal import mounts
from actors.journal.files import create_database
from actors.journal.lock import WriterLock
from actors.journal.mounts import NETWORKS, filesystem_of
from arena.exceptions import ValidationError


def mounted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *lines: tuple[str, str]) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(
        "".join(
            f"{n} 1 0:{n} / {place} rw,relatime shared:1 - {kind} source rw\n"
            for n, (place, kind) in enumerate(lines)
        )
    )
    monkeypatch.setattr(mounts, "MOUNTS", table)


def test_the_innermost_mount_counts_and_the_latest_of_those_at_one_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    here = str(tmp_path.resolve())
    mounted(
        monkeypatch,
        tmp_path,
        ("/", "ext4"),
        (f"{here}/a", "xfs"),
        (f"{here}/a\\040b", "nfs4"),
        (f"{here}/a", "tmpfs"),
        (f"{here}/ab", "cifs"),
    )

    assert filesystem_of(tmp_path / "run.db") == "ext4"
    assert filesystem_of(tmp_path / "a" / "run.db") == "tmpfs"
    assert filesystem_of(tmp_path / "a b" / "run.db") == "nfs4"
    assert filesystem_of(tmp_path / "ab") == "cifs"


@pytest.mark.parametrize("kind", sorted(NETWORKS))
def test_nothing_is_written_on_a_network_file_system(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    mounted(monkeypatch, tmp_path, ("/", kind))

    with pytest.raises(ValidationError, match=rf"network file system \({kind}\)"):
        create_database(tmp_path / "run.db", "r", "{}", {})
    with pytest.raises(ValidationError, match="network file system"):
        WriterLock(tmp_path / "run.db")

    assert [path.name for path in tmp_path.iterdir()] == ["mountinfo"]


def test_where_nobody_says_what_is_mounted_nothing_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(mounts, "MOUNTS", tmp_path / "nowhere")

    assert filesystem_of(tmp_path) == ""
    WriterLock(tmp_path / "run.db").release()


def test_the_disk_of_this_test_is_one_of_this_machine(tmp_path: Path) -> None:
    assert filesystem_of(tmp_path) not in NETWORKS
