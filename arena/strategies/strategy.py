"""What a strategy is: a pure function of parameters, memory, the market up to now, and its book.

It answers with target weights over instruments, with quotes, or with HOLD.  Parameters are declared
with type, bounds and default; the declaration drives validation, mutation and documentation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar, Final, TypeAlias

from arena.costs import CostModel
from arena.exceptions import ValidationError
from arena.ids import AgentId
from arena.instruments import Instrument, Kind
from arena.market import MarketView
from arena.money import Money
from arena.seed import Seed
from arena.words import Scalar

Memory: TypeAlias = dict[str, Any]
"""A strategy's own notes from tick to tick: JSON values only."""


class Hold(Enum):
    """The answer "leave everything as it is"."""

    HOLD = "hold"


HOLD: Final = Hold.HOLD

Targets: TypeAlias = Mapping[str, float]
"""Instrument -> weight: notional over equity, below 0 where it is held short."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A bid below and an ask above the next open, good for that bar.

    Bought is at `open * (1 - bid)` if the bar's low is below that; sold is at `open * (1 + ask)` if
    its high is above that, and at most what was held before the bar.

    Attributes:
        bid: Distance of the bid, a fraction of the open, in (0, 1).
        ask: Distance of the ask, a fraction of the open, in (0, 1).
        size: Notional on each side, a share of equity, in (0, 1].
    """

    bid: float
    ask: float
    size: float


@dataclass(frozen=True, slots=True)
class Quotes:
    """What a market maker answers: quotes, and what to trade at the open before they stand.

    Attributes:
        by_instrument: Instrument -> quote; only what is paid for can be quoted.
        targets: Traded first, as ever; HOLD leaves everything as it is.
    """

    by_instrument: Mapping[str, Quote]
    targets: Targets | Hold = HOLD


Decision: TypeAlias = Targets | Hold | Quotes


@dataclass(frozen=True, slots=True)
class BookView:
    """An agent's own book at the close, as its strategy may see it.

    Attributes:
        agent_id: Whose it is.
        equity: Micro-USD.
        cash: Micro-USD.
        weights: Instrument -> notional over equity, below 0 where it is short.
        costs: What trading costs.
    """

    agent_id: AgentId
    equity: Money
    cash: Money
    weights: Mapping[str, float]
    costs: CostModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A numeric parameter.

    Attributes:
        name: As config and journal name it; its unit comes last (`trend_days`).
        default: Its value where nobody says otherwise.
        low: Smallest value.
        high: Largest value.
        integer: Whether only whole numbers make sense.
        doc: One sentence.
    """

    name: str
    default: float
    low: float
    high: float
    integer: bool = False
    doc: str = ""

    def check(self, value: Scalar) -> None:
        """Refuse what is not a number of the right type inside the bounds.

        Raises:
            ValidationError: It is not.
        """
        kinds = (int,) if self.integer else (int, float)
        right = isinstance(value, kinds) and not isinstance(value, bool)
        if not right or not self.low <= value <= self.high:  # type: ignore[operator]  # checked
            what = "a whole number" if self.integer else "a number"
            needed = f"{what} from {self.low} to {self.high}"
            raise ValidationError(self.name, found=value, needed=needed)

    def fit(self, value: float) -> int | float:
        """Return the value of this parameter that is nearest to `value`."""
        inside = min(max(value, self.low), self.high)
        return round(inside) if self.integer else inside

    def draw(self, seed: Seed) -> int | float:
        """Return a value, uniform inside the bounds, both of them included."""
        generator = seed.generator()
        if self.integer:
            return int(generator.integers(int(self.low), int(self.high), endpoint=True))
        return self.fit(float(generator.uniform(self.low, self.high)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A parameter that takes one of a few words."""

    name: str
    default: str
    options: tuple[str, ...]
    doc: str = ""

    def check(self, value: Scalar) -> None:
        """Refuse what is not one of the options.

        Raises:
            ValidationError: It is not.
        """
        if value not in self.options:
            raise ValidationError(self.name, found=value, needed=f"one of {self.options}")

    def draw(self, seed: Seed) -> str:
        """Return one of the options, each as likely as the others."""
        return self.options[int(seed.generator().integers(len(self.options)))]


Parameter: TypeAlias = Number | Choice


class Strategy:
    """The base of every strategy: subclass it, declare `parameters`, write `decide`.

    Attributes:
        name: As configs name it.
        family: What it is a kind of, for the limit per family.
        parameters: What can be set, and mutated.
        ordered: Pairs (low, high) of numeric parameters that must stay in that order.
        needs: Columns of the market that it cannot do without.
        needs_kind: A kind of instrument of which the market must have one; None where any will do.
    """

    name: ClassVar[str]
    family: ClassVar[str]
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    ordered: ClassVar[tuple[tuple[str, str], ...]] = ()
    needs: ClassVar[tuple[str, ...]] = ()
    needs_kind: ClassVar[Kind | None] = None

    def __init_subclass__(cls) -> None:
        """Refuse a named strategy that forgot what makes it one.

        Raises:
            TypeError: It has no `family`, or does not write `decide`.
        """
        super().__init_subclass__()
        if hasattr(cls, "name"):
            if not hasattr(cls, "family"):
                raise TypeError(f"strategy {cls.name!r} has no `family`")
            if cls.decide is Strategy.decide:
                raise TypeError(f"strategy {cls.name!r} has no `decide`")

    def __init__(
        self, settings: Mapping[str, Scalar], instruments: Sequence[Instrument], seed: Seed
    ) -> None:
        """Make one agent's strategy.

        Args:
            settings: A value for every declared parameter.
            instruments: What the market offers.
            seed: The agent's own randomness; split it by tick, never keep a generator.
        """
        self.settings = dict(settings)
        self.instruments = tuple(instruments)
        self.seed = seed

    def number(self, name: str) -> float:
        """Return the value of a numeric parameter."""
        return float(self.settings[name])  # type: ignore[arg-type]  # checked at birth

    def days(self, name: str) -> int:
        """Return the value of a whole-numbered parameter."""
        return int(self.settings[name])  # type: ignore[arg-type]  # checked at birth

    def word(self, name: str) -> str:
        """Return the value of a choice."""
        return str(self.settings[name])

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        """Return the weights to hold from the next open on, or HOLD.

        Args:
            market: Everything known at the close of the latest bar.
            book: The agent's own book at that close.
            memory: The strategy's notes; it may change them.

        Returns:
            Instrument -> weight inside the instrument's bounds; what is left out is closed.  The
            weights need no more capital than there is: what is paid for and puts by their whole
            weight, perpetuals and spreads by weight / leverage_max, together at most 1.  Calls are
            written on coins that are held.  Or quotes, or HOLD.
        """
        raise NotImplementedError

    def capacity(self, market: MarketView, book: BookView) -> Money | None:
        """Return the most capital it could use, micro-USD; None is no limit."""
        del market, book
        return None

    @classmethod
    def defaults(cls) -> dict[str, Scalar]:
        """Return every parameter's default."""
        return {p.name: _default(p) for p in cls.parameters}

    @classmethod
    def check_settings(cls, settings: Mapping[str, Scalar]) -> None:
        """Refuse settings that are incomplete, unknown, out of bounds or out of order.

        Raises:
            ValidationError: They are; the first fault is named.
        """
        declared = {p.name: p for p in cls.parameters}
        for name in settings:
            if name not in declared:
                raise ValidationError(name, found=settings[name], needed=f"one of {[*declared]}")
        for name, parameter in declared.items():
            if name not in settings:
                raise ValidationError(name, found=None, needed="a value")
            parameter.check(settings[name])
        for low, high in cls.ordered:
            if settings[low] >= settings[high]:  # type: ignore[operator]  # both are numbers
                needed = f"less than {high} = {settings[high]!r}"
                raise ValidationError(low, found=settings[low], needed=needed)


def _default(parameter: Parameter) -> Scalar:
    if isinstance(parameter, Number) and parameter.integer:
        return int(parameter.default)
    return parameter.default
