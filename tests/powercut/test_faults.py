"""When the disk fails, no answer is false, and no batch is there by half.

These are samples; `python -m tests.powercut` has every operation fail, in every way it can.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from actors.journal.files import FILE_NAME
from actors.journal.marker import IoErrorLeftError
from actors.journal.store import Store
from tests.powercut.disk import Fault, Op
from tests.powercut.faults import (
    FAILURES,
    Failing,
    faults,
    flawless,
    lost_after_failed_sync,
)
from tests.powercut.life import Stage


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return Stage(tmp_path_factory.mktemp("faults") / "run")


@pytest.fixture(scope="module")
def trace(stage: Stage) -> Sequence[Op]:
    return flawless(stage)


def test_after_a_failed_sync_nothing_is_acknowledged_any_more(
    stage: Stage, trace: Sequence[Op]
) -> None:
    outcomes = {Failing(stage, *each).check() for each in faults(trace, ["sync"], step=4)}

    assert outcomes == {"stopped"}


def test_a_full_disk_refuses_and_takes_the_same_batch_when_there_is_room(
    stage: Stage, trace: Sequence[Op]
) -> None:
    full = [each for each in faults(trace, ["write"], step=47) if each[1].code == "SQLITE_FULL"]

    assert {Failing(stage, *each).check() for each in full} == {"refused", "unnoticed"}


@pytest.mark.parametrize("kind", FAILURES)
def test_whatever_fails_a_batch_is_there_as_a_whole_or_not_at_all(
    stage: Stage, trace: Sequence[Op], kind: str
) -> None:
    some = {"write": 151, "read": 31, "sync": 11}.get(kind, 3)

    outcomes = {Failing(stage, *each).check() for each in faults(trace, [kind], step=some)}

    assert outcomes <= {"stopped", "refused", "unnoticed"}


def test_who_goes_on_after_a_failed_sync_must_ask_the_disk_and_not_the_kernel(
    stage: Stage, trace: Sequence[Op]
) -> None:
    wal = next(op.file for op in trace if op.kind == "sync")
    commits = [number for number, op in enumerate(trace) if (op.kind, op.file) == ("sync", wal)]

    assert sum(lost_after_failed_sync(stage, each, reread=False) for each in commits[8:24:5]) > 0
    syncs = [number for number, op in enumerate(trace[60:-60], 60) if op.kind == "sync"]
    for number in syncs[::6]:
        assert lost_after_failed_sync(stage, number, reread=True) == 0


def test_who_opens_the_run_after_an_io_error_has_to_know_of_it(
    stage: Stage, trace: Sequence[Op]
) -> None:
    commits = [number for number, op in enumerate(trace) if op.kind == "sync"]
    failing = Failing(stage, commits[len(commits) // 2], Fault("SQLITE_IOERR_FSYNC"))
    path = stage.folder / FILE_NAME

    assert failing.marked
    with pytest.raises(IoErrorLeftError, match="--after-io-error"):
        Store(path)
