"""Without a terminal, a long command says now and then that it goes on, and a short one nothing."""

from __future__ import annotations

from threading import Event

import pytest

from actors.app.cli import progress
from actors.app.cli.output import Output
from actors.app.cli.progress import progress_bar, sign_of_life

PLAIN = Output(json=False, quiet=False, color=False)
QUIET = Output(json=True, quiet=True, color=False)


class Noted(Output):
    """Output whose notes can be waited for."""

    def __init__(self) -> None:
        super().__init__(json=True, quiet=False, color=False)
        object.__setattr__(self, "notes", [])
        object.__setattr__(self, "came", Event())

    def note(self, text: str) -> None:
        self.notes.append(text)
        self.came.set()


def test_a_count_is_a_line_now_and_then(monkeypatch, capsys):
    clock = iter(range(0, 1000, 6))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with progress_bar(50, PLAIN) as on_tick:
        for tick in range(50):
            on_tick(tick)
    with progress_bar(0, PLAIN, of="seeds") as on_seed:
        for seed in range(4):
            on_seed(seed)

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines()[:2] == ["days: 2 of 50", "days: 5 of 50"]
    assert said.err.splitlines()[-1] == "seeds: 2"


def test_what_cannot_be_counted_says_how_long_it_has_been_going_on(monkeypatch):
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.001)
    output = Noted()
    with sign_of_life("verifying", output):
        assert output.came.wait(30)

    assert output.notes[0] == "verifying: 0 s"


@pytest.mark.parametrize("output", [PLAIN, QUIET])
def test_what_is_over_soon_says_nothing(output, capsys):
    with sign_of_life("verifying", output), progress_bar(3, output) as on_tick:
        on_tick(1)

    assert capsys.readouterr() == ("", "")


def test_quiet_is_quiet_for_however_long_it_goes_on(monkeypatch, capsys):
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.0)
    with progress_bar(3, QUIET) as on_tick:
        on_tick(1)

    assert capsys.readouterr() == ("", "")
