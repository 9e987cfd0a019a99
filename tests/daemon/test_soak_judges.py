"""A soak that finds nothing is worth something only if it would have found it."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from threading import Event

import pytest

from actors.app.http.entries import entry_json
from actors.journal.reader import open_run
from tests.daemon.accounts import settle
from tests.daemon.clients import Changer, Follower
from tests.daemon.conftest import Serve
from tests.daemon.vitals import MIB, WAL_MAX, Sample, Vitals, courses, judge


def samples(rss: list[int], *, files: int = 0, threads: int = 0, web: bool = True) -> list[Sample]:
    """Return looks at a writer that holds so many MiB, one after the other, and at a web beside."""
    last = len(rss) - 1
    still = Vitals(50 * MIB, 10, 4)
    return [
        Sample(
            Vitals(each * MIB, 20 + files * place // last, 7 + threads * place // last),
            still if web else None,
            0,
        )
        for place, each in enumerate(rss)
    ]


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        (samples([100] * 30), []),
        (samples([20, 60, *[100] * 28]), []),
        (samples([100 + 3 * each for each in range(30)]), ["writer rss"]),
        (samples([100] * 30, files=30), ["writer files"]),
        (samples([100] * 30, threads=30), ["writer threads"]),
        (samples([100] * 30, web=False), ["too few"]),
        (samples([100] * 3), ["too few"]),
    ],
)
def test_what_grows_is_named_and_what_warms_up_is_not(seen: list[Sample], found: list[str]) -> None:
    problems = judge(courses(seen), 0)

    assert [problem.startswith(name) for problem, name in zip(problems, found, strict=True)] == [
        True for _ in found
    ]


def test_a_log_that_is_never_cut_is_found() -> None:
    (problem,) = judge(courses(samples([100] * 30)), WAL_MAX + 1)

    assert "write-ahead log" in problem


def test_what_was_told_and_is_not_so_is_found(serve: Serve, tmp_path: Path) -> None:
    run = serve()
    run.start_and_wait("--paused")
    changer = Changer(
        "c", Event(), run.folder / "control.sock", tmp_path / "told", agents=6, seed=1
    )
    while len(changer.told) < 5 or not changer.repeats:
        changer.once()
    assert run.stop() == 0
    changer.asked.add("paused-at-9")  # As `--paused` has it.
    follower = Follower(Event(), 0)
    with open_run(run.folder) as reader:
        read = [sha256(entry_json(entry).encode()).digest() for entry in reader.entries()]

    follower.digests = [*read]
    good = settle(run.folder, [changer], follower)
    follower.digests = read[:-1]
    short = settle(run.folder, [changer], follower)
    follower.digests = [*read[:-1], b"another"]
    other = settle(run.folder, [changer], follower)
    follower.digests = read
    name, told = next(iter(changer.told.items()))
    changer.told[name] = told | {"hash": "0" * 64}
    lost = settle(run.folder, [changer], follower)
    changer.told[name] = told | {"events": told["events"][1:]}
    twice = settle(run.folder, [changer], follower)
    del changer.told[name]
    changer.asked.remove(name)
    unasked = settle(run.folder, [changer], follower)

    assert good == (len(changer.told) + 1, 0, 0, [])
    assert [len(each.problems) for each in (short, other, unasked)] == [1, 1, 1]
    assert (lost.lost, lost.twice, twice.lost, twice.twice) == (1, 0, 0, 1)
