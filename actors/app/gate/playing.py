"""One agent plays on a tape, and everything that it answers is written down.

Whatever its strategy does is a finding and never an error of the gate: what it raises, how long it
takes, and what is no answer ends its play with a fault, which names the check that it fails.
"""

from __future__ import annotations

import json
import re
import traceback
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Protocol, TypeAlias, TypeVar

from actors.agent import book_of, checked_decision, checked_wish
from actors.app.gate.solo import Solo
from actors.app.gate.tapes import Tape
from actors.app.gate.worlds import World
from actors.app.snapshots import NotPlainError, check_plain
from actors.market_feed import find_places, gas_at, read_bars
from actors.runtime import StepBudget, StepInterrupted
from arena.bars import Bars
from arena.exceptions import AgentError
from arena.market import MarketView
from arena.seed import Seed
from arena.strategies import Decision, Hold, Memory, Quotes, Strategy, Targets
from arena.words import Scalar

T = TypeVar("T")

WISH_BARS = 7
"""It is asked for its capacity as often as there are cycles."""

WORDS_MAX = 200
"""Characters of a stranger's error that reach a report."""

_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")

Settings: TypeAlias = Mapping[str, Scalar]


class Around(Protocol):
    """Somebody who stands around a strategy's code, and watches."""

    def call(self, step: Callable[..., T], *args: Any) -> T:
        """Return `step(...)`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an agent did at one bar, in a form that can be compared to the last bit.

    Attributes:
        row: Latest bar that it had seen.
        decision: As JSON; with its capacity, where it was asked for that.
        memory: After it, as JSON.
        traded: Notional that it led to, as a share of equity.
    """

    row: int
    decision: str
    memory: str
    traded: float


@dataclass(slots=True)
class Played:
    """One agent's play.

    Attributes:
        answers: One for each bar that it was asked about.
        fault: Check and words, where the play ended early.
    """

    answers: list[Answer] = field(default_factory=list)
    fault: tuple[str, str] | None = None

    def to_plain(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        rows = [[one.row, one.decision, one.memory, one.traded] for one in self.answers]
        return {"answers": rows, "fault": self.fault}

    @staticmethod
    def from_plain(data: Mapping[str, Any]) -> Played:
        """Return what `to_plain` made it from."""
        fault = None if data["fault"] is None else tuple(data["fault"])
        return Played([Answer(*each) for each in data["answers"]], fault)


class Player:
    """One agent: its strategy, its memory, its books, and what it answered.

    Attributes:
        played: So far.
    """

    def __init__(  # noqa: PLR0913  # who plays, on what, and under whose eyes
        self,
        kind: type[Strategy],
        settings: Settings,
        world: World,
        *,
        budget: StepBudget,
        seed: Seed,
        around: Around | None = None,
        reborn: bool = False,
    ) -> None:
        """Make a player that has not begun.

        Args:
            kind: What it plays.
            settings: A value for every parameter.
            world: Where.
            budget: What one step may take.
            seed: Its own randomness.
            around: Who watches it.
            reborn: Whether its strategy is made anew at every bar, and its memory read from JSON.
        """
        self.played = Played()
        self._kind = kind
        self._settings = settings
        self._instruments = tuple(world.terms.instruments.values())
        self._seed = seed
        self._budget = budget
        self._around = around
        self._reborn = reborn
        self._memory: Memory = {}
        self._solo = Solo(kind, settings, world)
        self._strategy: Strategy | None = None
        self._decided: tuple[Decision, str] | None = None

    def ask(self, view: MarketView) -> None:
        """Let it answer what it sees; it plays no more if that goes wrong."""
        if self.played.fault is not None:
            return
        try:
            self._answer(view)
        except Exception as error:  # noqa: BLE001  # it is somebody else's code
            self.played.fault = _fault(error, view.now)
        except (StepInterrupted, SystemExit, GeneratorExit) as error:
            self.played.fault = _fault(error, view.now)

    def trade(self, bars: Bars, row: int) -> None:
        """Execute what it decided at the open of `row`, and mark its book at the close."""
        if self.played.fault is None and self._decided is not None:
            decision, text = self._decided
            memory = json.dumps(self._memory, sort_keys=True)
            traded = self._solo.trade(bars, decision)
            self.played.answers.append(Answer(row - 1, text, memory, traded))

    def _answer(self, view: MarketView) -> None:
        agent, treasury = self._solo.agent, self._solo.treasury
        if self._strategy is None or self._reborn:
            self._memory = json.loads(json.dumps(self._memory))
            self._strategy = self._call(
                "its making", self._kind, dict(self._settings), self._instruments, self._seed
            )
        strategy, wish = self._strategy, ""
        if treasury.tick % WISH_BARS == 0:
            asked = self._call("capacity", strategy.capacity, view, book_of(agent, treasury))
            wished = checked_wish(agent.agent_id, asked)
            wish = "" if wished is None else f", capacity {wished}"
        book = book_of(agent, treasury)
        decision = self._call("decide", strategy.decide, view, book, self._memory)
        decision = checked_decision(agent.agent_id, decision, self._instruments)
        check_plain(agent.agent_id, self._memory)
        self._decided = decision, f"{_text(decision)}{wish}"

    def _call(self, what: str, step: Callable[..., T], *args: Any) -> T:
        try:
            if self._around is None:
                return self._budget.call(step, *args)
            return self._budget.call(self._around.call, step, *args)
        except StepInterrupted:
            fault = f"{what} took more than {self._budget.budget_s:g} s"
            raise AgentError(self._solo.agent.agent_id, "hung", fault) from None


def play(players: Sequence[Player], tape: Tape, world: World) -> list[Played]:
    """Let players play side by side, each alone with its own capital, to the end of the market."""
    costs, places = world.terms.costs, find_places(world.market, world.terms.instruments)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tape.deal(world.warmup)
        tape.show()
        for row in range(world.warmup, len(world.market)):
            for player in players:
                player.ask(tape.view)
            tape.deal(1)
            bars = read_bars(tape.market, row, places, gas_at(tape.market, row, costs))
            for player in players:
                player.trade(bars, row)
            tape.show()
    return [player.played for player in players]


def first_difference(one: Played, other: Played) -> str | None:
    """Return where two plays differ first, and in what; None where they are the same."""
    for before, after in zip(one.answers, other.answers, strict=False):
        if before.decision != after.decision:
            return f"bar {before.row}: {after.decision} instead of {before.decision}"
        if before.memory != after.memory:
            return f"bar {before.row}: remembers {after.memory} instead of {before.memory}"
    if one.fault != other.fault:
        return f"{_ending(other)} instead of {_ending(one)}"
    return None


def _ending(played: Played) -> str:
    return "it plays to the end" if played.fault is None else f"it ends: {played.fault[1]}"


def _text(decision: Decision) -> str:
    """Return a decision as JSON: equal ones have equal texts, whatever the order of their parts."""
    if isinstance(decision, Quotes):
        quotes = {n: [q.bid, q.ask, q.size] for n, q in decision.by_instrument.items()}
        return json.dumps({"quotes": quotes, "targets": _plain(decision.targets)}, sort_keys=True)
    return json.dumps(_plain(decision), sort_keys=True)


def _plain(targets: Targets | Hold) -> object:
    return "hold" if isinstance(targets, Hold) else dict(targets)


_KINDS: Mapping[str, str] = {"hung": "budget", "wrong_answer": "bounds"}
"""Kind of an agent's failure -> the check that it fails."""


def _fault(error: BaseException, row: int) -> tuple[str, str]:
    """Return which check somebody else's error fails, and what to say of it."""
    if isinstance(error, AgentError):
        return _KINDS[error.kind], f"bar {row}: {_short(error.message)}"
    if isinstance(error, NotPlainError):
        return "memory", f"bar {row}: {_short(str(error))}"
    raised = _short(f"{type(error).__name__}: {_words(error)}")
    return "crash", f"bar {row}: {raised}{_place(error)}"


def _words(error: BaseException) -> str:
    """Return the text of a stranger's error; even its `str` may raise."""
    try:
        return str(error)
    except Exception as worse:  # noqa: BLE001  # it is somebody else's `__str__`
        return f"(its text raised {type(worse).__name__})"


def _short(text: str) -> str:
    plain = _ADDRESS.sub("0x...", text).encode("utf-8", "backslashreplace").decode()
    return plain[:WORDS_MAX]


def _place(error: BaseException) -> str:
    """Return the line that raised it."""
    frames: Iterable[traceback.FrameSummary] = traceback.extract_tb(error.__traceback__)[-1:]
    return "".join(f" ({PurePath(each.filename).name}, line {each.lineno})" for each in frames)
