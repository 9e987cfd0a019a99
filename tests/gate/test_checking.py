"""A report says what was tried, can be had again, and leaves the process as it was."""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from click.testing import CliRunner

from actors.app.cli import cli
from actors.app.gate import (
    CHECKS,
    Check,
    GateReport,
    World,
    check_strategies,
    check_strategy,
    find_strategy,
    source_hash,
    the_quick_world,
)
from arena.costs import CostModel
from arena.exceptions import ValidationError
from arena.execution import Terms
from arena.instruments import Instrument, Kind
from arena.market import DAY_S, Market, MarketView, Provenance, Series
from arena.seed import Seed
from arena.strategies import HOLD, BookView, Cash, Decision, MarketMaker, Memory, Random, Strategy
from tests.gate.broken import forgetful, unruly

BROKEN = Path(__file__).parent / "broken"


class Follower(Strategy):
    """Holds a coin of its own market while that is above a feature of its own."""

    name = "follower"
    family = "test"
    needs: ClassVar[tuple[str, ...]] = ("gauge",)

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        if market.now < 3 or "DOGE.close" not in market.columns:
            return HOLD
        return {"DOGE": 0.5} if market.last("DOGE.close") > market.last("gauge") else {}


def a_world(bars: int = 30) -> World:
    """Return a market that nobody else has."""
    closes = 100.0 + 5.0 * np.sin(np.arange(bars) / 3.0)
    columns = {"DOGE.open": closes, "DOGE.close": closes, "gauge": np.full(bars, 100.0)}
    market = Market(
        opens_at=DAY_S * np.arange(bars, dtype=np.int64),
        series=tuple(Series(name, "USD", Provenance.SYNTHETIC) for name in columns),
        values=np.column_stack([*columns.values()]),
    )
    return World("doge", market, Terms({"DOGE": Instrument("DOGE", Kind.SPOT)}, CostModel()), 2)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_same_seed_gives_the_same_report_and_another_one_another_world() -> None:
    world = [the_quick_world(Seed(1))]
    once, again = (check_strategy(forgetful.RemembersOnItself, markets=world) for _ in range(2))
    other = check_strategy(forgetful.RemembersOnItself, seed=2, quick=True)

    assert once == again
    assert once.failed == other.failed == ("memory",)
    assert GateReport.from_plain(json.loads(json.dumps(once.to_plain()))) == once


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_market_of_ones_own_is_taken_to_other_processes() -> None:
    report = check_strategy(Follower, markets=[a_world()])

    assert report.passed, report.explain()
    assert "in another process" not in report.explain()


def test_a_column_that_is_needed_is_made_where_there_is_none() -> None:
    assert check_strategy(Follower, quick=True).passed


def test_settings_of_ones_own_are_what_is_checked() -> None:
    passed = check_strategy(MarketMaker, {"coin": "BTC"}, quick=True)

    assert passed.passed, passed.explain()
    with pytest.raises(ValidationError, match="coin"):
        check_strategy(MarketMaker, {"coin": "GOLD"}, quick=True)


def test_a_class_inside_a_function_is_checked_here_and_the_report_says_so() -> None:
    class Local(Cash):
        name = "local"

    report = check_strategy(Local, markets=[a_world()])

    details = {check.name: check.detail for check in report.checks}
    assert report.passed
    assert "not in another process" in details["determinism"]


def test_a_check_that_could_not_be_tried_is_no_pass() -> None:
    report = check_strategy(unruly.AnswersNaN, quick=True)

    outcomes = {check.name: check.passed for check in report.checks}
    assert outcomes["bounds"] is False
    assert outcomes["poisoned_future"] is None
    assert not report.passed
    assert report.failed == ("bounds",)
    assert all("not tried" in check.detail for check in report.checks if check.passed is None)


def test_the_quick_check_leaves_the_process_and_the_market_as_they_were() -> None:
    world = a_world()
    before = world.market.values.copy()
    hook, state = sys.getprofile(), random.getstate()

    report = check_strategy(Random, quick=True, markets=[world])

    assert report.passed
    assert sys.getprofile() is hook
    assert random.getstate() == state
    assert np.array_equal(world.market.values, before)


def test_reports_come_in_the_order_of_what_was_asked_for() -> None:
    told: list[str] = []
    kinds = [Random, Cash]

    reports = check_strategies(
        kinds, quick=True, on_report=lambda report: told.append(report.strategy)
    )

    assert [report.strategy for report in reports] == told == ["random", "cash"]


class TestSources:
    def test_a_strategy_is_found_by_its_name_its_module_or_its_file(self) -> None:
        by_module = find_strategy("tests.gate.broken.unruly:Crashes")
        by_file = find_strategy(f"{BROKEN / 'unruly.py'}:Crashes")
        alone = find_strategy(str(BROKEN / "reads_on_import.py"))

        assert find_strategy("cash") is Cash
        assert by_module is unruly.Crashes
        assert by_file.name == "crashes"
        assert alone.name == "reads-on-import"

    @pytest.mark.parametrize(
        ("word", "found"),
        [
            ("nobody", "one of"),
            ("tests.gate.broken.unruly:Nobody", "no such class"),
            ("tests.gate.nowhere:Nobody", "ModuleNotFoundError"),
            ("arena.strategies:BookView", "a subclass of"),
            (str(BROKEN / "unruly.py"), "one strategy in the file"),
            (str(BROKEN / "nowhere.py"), "FileNotFoundError"),
            ("run.pickle", "module:Class"),
        ],
    )
    def test_what_cannot_be_loaded_is_refused_with_a_reason(self, word: str, found: str) -> None:
        with pytest.raises(ValidationError, match=found):
            find_strategy(word)

    def test_the_hash_is_that_of_the_files_that_define_it(self, tmp_path: Path) -> None:
        path, text = tmp_path / "mine.py", (BROKEN / "reads_on_import.py").read_text()
        path.write_text(text)
        before = source_hash(find_strategy(str(path)))
        path.write_text(text + "# another one\n")
        after = source_hash(find_strategy(str(path)))

        assert len(before) == len(after) == 64
        assert before != after

    def test_what_has_no_file_has_no_hash(self) -> None:
        typed = type("Typed", (Strategy,), {"decide": Cash.decide, "__module__": "nowhere"})

        assert source_hash(typed) == ""


def test_a_report_that_failed_explains_only_what_failed() -> None:
    checks = (
        Check("crash", passed=True, detail="tried once"),
        Check("purity", passed=False, detail="it calls time.time"),
        Check("memory", passed=None, detail="not tried"),
    )
    report = GateReport("mine", "", checks)

    assert not report.passed
    assert report.explain() == "purity: it calls time.time"


class TestCommand:
    def arena(self, *words: object) -> tuple[int, str]:
        answer = CliRunner().invoke(cli, [str(word) for word in words])
        return answer.exit_code, answer.stdout

    def test_it_exits_with_0_where_a_strategy_passes(self) -> None:
        code, out = self.arena("check", "cash", "--quick")

        assert code == 0
        assert "cash: passed" in out
        assert all(name in out for name in CHECKS)

    def test_it_exits_with_6_where_one_does_not(self) -> None:
        word = f"{BROKEN / 'impure.py'}:ReadsTheClock"
        code, out = self.arena("check", word, "--quick", "--json")

        report = json.loads(out)
        assert code == 6
        assert out.count("\n") == 1
        assert report["passed"] is False
        assert [one["name"] for one in report["checks"] if one["passed"] is False] == ["purity"]

    def test_it_exits_with_2_where_there_is_none(self) -> None:
        code, out = self.arena("check", "nobody", "--json")

        assert code == 2
        assert json.loads(out)["error"]["code"] == 2
        assert self.arena("check")[0] == self.arena("check", "cash", "--all-built-in")[0] == 2

    @pytest.mark.slow
    @pytest.mark.timeout(300)
    def test_a_file_is_checked_in_processes_of_its_own(self) -> None:
        pid = os.getpid()
        code, out = self.arena("check", f"{BROKEN / 'unruly.py'}:EndsItsProcess", "--json")

        assert os.getpid() == pid
        assert code == 6
        assert "ended in the middle" in out
