"""Each broken strategy is refused for what is wrong with it, and every built-in passes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache

import pytest
from click.testing import CliRunner

from actors.app.cli import cli
from actors.app.gate import CHECKS, GateReport, check_strategies, check_strategy, the_quick_world
from arena.seed import Seed
from arena.strategies import BUILT_IN, Strategy
from tests.gate.broken import forgetful, impure, peeking, reads_on_import, unruly

WHY: Mapping[type[Strategy], tuple[str, str]] = {
    peeking.PeeksThroughTheFeed: ("poisoned_future", "with a future far below the past"),
    peeking.PeeksBeyondTheEnd: ("poisoned_future", "with a future far below the past"),
    peeking.PeeksAtTheBase: ("poisoned_future", "with a future far below the past"),
    peeking.PeeksIntoACopy: ("poisoned_future", "with a future far below the past"),
    peeking.KnowsTheLastDay: ("truncation", "where the market ends now"),
    impure.ReadsTheClock: ("purity", "datetime.now"),
    impure.ReadsTheClockByAnotherName: ("purity", "time.time"),
    impure.UsesGlobalRandom: ("purity", "random.random"),
    impure.UsesNumpysRandom: ("purity", "global generator of numpy"),
    impure.DrawsFromNowhere: ("purity", "os.urandom"),
    impure.DrawsAnId: ("purity", "os.urandom"),
    impure.ReadsAFile: ("purity", "io.open"),
    impure.ReadsTheEnvironment: ("purity", "os.environ"),
    impure.OpensASocket: ("purity", "socket"),
    impure.StartsAThread: ("purity", "start_new_thread"),
    impure.Prints: ("purity", "builtins.print"),
    impure.WritesIntoTheMarket: ("purity", "writes into the market"),
    reads_on_import.ReadsOnImport: ("purity", "while it is imported"),
    forgetful.RemembersOnItself: ("memory", "made anew from its memory"),
    forgetful.RemembersOnItsClass: ("determinism", "with others beside it"),
    forgetful.RemembersATuple: ("memory", "not plain JSON"),
    forgetful.AsksTheHash: ("determinism", "in another process"),
    unruly.Crashes: ("crash", "bar 75: ZeroDivisionError: division by zero (unruly.py, line "),
    unruly.Leaves: ("crash", "bar 69: SystemExit: 3"),
    unruly.CrashesAtTheEdge: ("crash", "with days=0"),
    unruly.Hangs: ("budget", "bar 70: decide took more than 0.5 s"),
    unruly.EndsItsProcess: ("budget", "its process ended in the middle of the play"),
    unruly.AnswersNaN: ("bounds", "weight of 'BTC' is nan"),
    unruly.AnswersNone: ("bounds", "answered NoneType"),
    unruly.WantsTooMuch: ("bounds", "weights sum to 1.6"),
    unruly.OverTrades: ("turnover", "round trips of its equity a day"),
    unruly.TradesAllOfItDaily: ("turnover", "round trips of its equity a day"),
}
"""Strategy -> the check that it fails, and words of the report."""


@cache
def reports() -> dict[str, GateReport]:
    """Return what became of each broken strategy in one small world."""
    world = the_quick_world(Seed(1))
    found = check_strategies([*WHY], markets=[world], step_budget_s=0.5)
    return {report.strategy: report for report in found}


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", WHY, ids=lambda kind: kind.name)
def test_a_broken_strategy_is_refused_for_what_is_wrong_with_it(kind: type[Strategy]) -> None:
    report, (check, words) = reports()[kind.name], WHY[kind]

    assert not report.passed
    assert check in report.failed, report.explain()
    found = {each.name: each.detail for each in report.checks}
    assert words in found[check]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "kind",
    [
        kind
        for kind, (check, _) in WHY.items()
        if check in {"crash", "budget", "bounds", "turnover"}
    ],
    ids=lambda kind: kind.name,
)
def test_what_breaks_is_refused_for_nothing_else(kind: type[Strategy]) -> None:
    report = reports()[kind.name]

    assert report.failed == (WHY[kind][0],), report.explain()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_report_has_every_check_once_and_names_no_path() -> None:
    for report in reports().values():
        assert [check.name for check in report.checks] == [*CHECKS]
        assert "/" not in report.explain()
        assert len(report.source_hash) == 64


QUICK = [
    kind
    for kind in WHY
    if kind
    not in {
        peeking.PeeksThroughTheFeed,  # The truth is in this process: it is refused for looking.
        peeking.PeeksIntoACopy,  # Its copy outlives a play that has no process of its own.
        reads_on_import.ReadsOnImport,  # It is imported already.
        forgetful.AsksTheHash,  # There is no other hash seed.
        unruly.EndsItsProcess,  # It would end this one.
        unruly.Hangs,  # It is tried below, with less patience.
    }
]


@pytest.mark.parametrize("kind", QUICK, ids=lambda kind: kind.name)
def test_the_quick_check_finds_most_of_it(kind: type[Strategy]) -> None:
    report = check_strategy(kind, quick=True)

    assert WHY[kind][0] in report.failed, report.explain()


@pytest.mark.parametrize("kind", [peeking.PeeksThroughTheFeed, peeking.PeeksIntoACopy])
def test_the_quick_check_sees_who_searches_the_memory_of_the_process(kind: type[Strategy]) -> None:
    report = check_strategy(kind, quick=True)

    assert "gc.get_objects" in report.explain() or "truncation" in report.failed


def test_the_quick_check_interrupts_a_step_that_hangs() -> None:
    report = check_strategy(unruly.Hangs, quick=True, step_budget_s=0.2)

    assert report.failed == ("budget",)


@pytest.mark.parametrize("kind", BUILT_IN.values(), ids=BUILT_IN)
def test_every_built_in_strategy_passes_the_quick_check(kind: type[Strategy]) -> None:
    report = check_strategy(kind, quick=True)

    assert report.passed, report.explain()


WHOLE = ("derivatives-player", "liquidity-provider", "market-maker")
"""Those that are checked whole in every test run; `make gate` does so with all of them."""


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", WHOLE)
def test_built_in_strategies_pass_the_whole_gate(name: str) -> None:
    answer = CliRunner().invoke(cli, ["check", name, "--json"])

    found = json.loads(answer.output)
    assert answer.exit_code == 0, answer.output
    assert (found["strategy"], found["passed"]) == (name, True)
