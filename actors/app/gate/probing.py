"""The checks: each plays the strategy under another condition and compares with its plain play.

A play that goes wrong ends its case: what cannot be compared is not tried.  Two plays are the same
if every decision, every memory and every request for capital is, to the last bit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from actors.agent import STEP_BUDGET_S
from actors.app.gate.isolating import Isolation, PlayLostError
from actors.app.gate.playing import Played, Player, Settings, first_difference, play
from actors.app.gate.report import Docket
from actors.app.gate.tapes import HIGH, LOW, Cut, Poisoned, Tape, Told
from actors.app.gate.watching import Watch
from actors.app.gate.worlds import World
from actors.runtime import StepBudget
from arena.evolution import draw_parameters, repair
from arena.exceptions import ValidationError
from arena.seed import Seed
from arena.strategies import Choice, Strategy
from arena.words import Scalar

ROUND_TRIPS_MAX = 0.75
"""Most round trips of its whole equity that a strategy may make per day, on average of a world."""


LEVELS = ((LOW, "far below"), (HIGH, "far above"))
"""Poisons, and how they lie; where it must be quick, the last of them."""


@dataclass(frozen=True, slots=True)
class Case:
    """One strategy in one world.

    Attributes:
        world: Where.
        settings: A value for every parameter.
        seed: The root of the agent's randomness.
    """

    world: World
    settings: Settings
    seed: Seed

    def place(self, kind: type[Strategy]) -> str:
        """Return where something was found, for people."""
        defaults = kind.defaults()
        changed = {n: v for n, v in self.settings.items() if v != defaults[n]}
        given = ", ".join(f"{name}={value!r}" for name, value in changed.items())
        return f"in the world {self.world.name!r}, with {given or 'its defaults'}"


class Prober:
    """Carries out the checks of one strategy, and notes what they find."""

    def __init__(
        self,
        kind: type[Strategy],
        docket: Docket,
        isolation: Isolation,
        *,
        step_budget_s: float = STEP_BUDGET_S,
    ) -> None:
        self._kind = kind
        self._docket = docket
        self._isolation = isolation
        self._budget_s = step_budget_s

    def tell(self, case: Case) -> Played | None:
        """Play it plainly; None where that ended early, which is noted."""
        return self._judged(case, self._play(case, Told))

    def tell_all(self, cases: Sequence[Case]) -> None:
        """Play cases of one world plainly, side by side."""
        if not cases:
            return
        world = cases[0].world

        def work() -> list[dict[str, Any]]:
            with StepBudget(self._budget_s) as budget:
                players = [
                    self._player(case, budget, name=f"ada-{n}") for n, case in enumerate(cases)
                ]
                return [each.to_plain() for each in play(players, Told(world), world)]

        for case, played in zip(cases, self._run(work, len(cases)), strict=True):
            self._judged(case, played)

    def _judged(self, case: Case, played: Played) -> Played | None:
        """Return a plain play; None if it ended early, which is noted."""
        if played.fault is not None:
            check, words = played.fault
            self._docket.note(check, f"{words}; {case.place(self._kind)}")
            return None
        for check in ("crash", "budget", "bounds"):
            self._docket.note(check, None)
        trips = sum(answer.traded for answer in played.answers) / len(played.answers) / 2.0
        words = f"{trips:.2f} round trips of its equity a day, {ROUND_TRIPS_MAX:g} are allowed"
        fault = f"{words}; {case.place(self._kind)}" if trips > ROUND_TRIPS_MAX else None
        self._docket.note("turnover", fault)
        return played

    def compare(self, case: Case, told: Played) -> None:
        """Play it under every condition, and compare; only watch it where twice is not the same."""
        self._watch(case)
        if self._note("determinism", case, told, self._play(case, Told), "the second time"):
            return
        for level, words in LEVELS if self._isolation.apart else LEVELS[1:]:

            def poison(world: World, level: float = level) -> Tape:
                own = world if self._isolation.apart else world.copy()
                return Poisoned(own, level=level)

            found = self._play(case, poison)
            self._note("poisoned_future", case, told, found, f"with a future {words} the past")
        self._note("truncation", case, told, self._play(case, Cut), "where the market ends now")
        reborn = self._play(case, Told, reborn=True)
        self._note("memory", case, told, reborn, "made anew from its memory at each bar")
        for found, words in zip(
            self._beside(case), ("with others beside it", "the second of two"), strict=True
        ):
            self._note("determinism", case, told, found, words)

    def repeated(self, case: Case, told: Played, again: Played) -> None:
        """Compare with what another process found."""
        self._note("determinism", case, told, again, "in another process")

    def _note(self, check: str, case: Case, told: Played, found: Played, words: str) -> bool:
        """Note whether two plays are the same, and return whether they differ."""
        difference = first_difference(told, found)
        fault = None if difference is None else f"{difference}, {words}; {case.place(self._kind)}"
        self._docket.note(check, fault)
        return fault is not None

    def _play(self, case: Case, lay: Callable[[World], Tape], *, reborn: bool = False) -> Played:
        def work() -> dict[str, Any]:
            with StepBudget(self._budget_s) as budget:
                player = self._player(case, budget, reborn=reborn)
                return play([player], lay(case.world), case.world)[0].to_plain()

        return self._run(lambda: [work()], 1)[0]

    def _beside(self, case: Case) -> list[Played]:
        """Return two plays that took place side by side, with another one in between."""
        other = draw_parameters(self._kind, case.seed.child("beside"))

        def work() -> list[dict[str, Any]]:
            with StepBudget(self._budget_s) as budget:
                players = [
                    self._player(case, budget),
                    self._player(replace(case, settings=other), budget, name="bob"),
                    self._player(case, budget),
                ]
                played = play(players, Told(case.world), case.world)
                return [played[0].to_plain(), played[2].to_plain()]

        return self._run(work, 2)

    def _watch(self, case: Case) -> None:
        def work() -> dict[str, str | None]:
            watch, market = Watch(), case.world.market
            if self._isolation.apart:
                watch.listen()
            before, tape = _digest(market.values), Told(case.world)
            with StepBudget(self._budget_s * _WATCHED_SLOWER) as budget:
                player = self._player(case, budget, around=watch)
                play([player], tape, case.world)
            seen = tape.view._seen[:, : tape.view.now + 1]  # noqa: SLF001  # as it was shown
            shown = _digest(market.values) == before and _same(seen, market.values[: seen.shape[1]])
            return {"found": watch.found if shown else "writes into the market that it is shown"}

        try:
            found = self._isolation.run(work)["found"]
        except PlayLostError as error:
            found = str(error)
        fault = None if found is None else f"it {found}; {case.place(self._kind)}"
        self._docket.note("purity", fault)

    def _player(
        self, case: Case, budget: StepBudget, *, name: str = "ada", **changes: Any
    ) -> Player:
        seed = case.seed.child("agent", name)
        return Player(self._kind, case.settings, case.world, budget=budget, seed=seed, **changes)

    def _run(self, work: Callable[[], Any], count: int) -> list[Played]:
        try:
            found = self._isolation.run(work)
        except PlayLostError as error:
            return [Played([], ("budget", str(error)))] * count
        return [Played.from_plain(each) for each in found]


_WATCHED_SLOWER = 10.0
"""A step that is watched may take so many times longer."""


def _digest(values: np.ndarray) -> str:
    return hashlib.sha256(values.tobytes()).hexdigest()


def _same(seen: np.ndarray, values: np.ndarray) -> bool:
    return bool(np.array_equal(seen, values.T, equal_nan=True))


def declared_wrongly(kind: type[Strategy]) -> str | None:
    """Return what is wrong with the declaration of a strategy's parameters, or None."""
    try:
        kind.check_settings(kind.defaults())
        for settings in corners(kind):
            kind.check_settings(settings)
    except ValidationError as error:
        return f"its parameters are declared wrongly: {error}"
    return None


def corners(kind: type[Strategy]) -> Iterator[dict[str, Scalar]]:
    """Yield settings at the edges: all low, all high, then each parameter at each end."""
    ends = {p.name: p.options if isinstance(p, Choice) else _ends(p) for p in kind.parameters}
    if not ends:
        return
    yield repair(kind, {name: values[0] for name, values in ends.items()})
    yield repair(kind, {name: values[-1] for name, values in ends.items()})
    for name, values in ends.items():
        for value in values:
            yield repair(kind, {**kind.defaults(), name: value})


def _ends(number: Any) -> tuple[Scalar, ...]:
    return number.fit(number.low), number.fit(number.high)


def spread(worlds: Sequence[World], sets: Sequence[Settings], seed: Seed) -> list[tuple[Case, ...]]:
    """Return the cases of each world, where every one gets its share of the settings."""
    return [
        tuple(Case(world, settings, seed) for settings in sets[n :: len(worlds)])
        for n, world in enumerate(worlds)
    ]
