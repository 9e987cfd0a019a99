"""Whether a strategy's answer is one: checked before anybody acts on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from arena.instruments import Instrument, Right
from arena.strategies.strategy import HOLD, Quote, Quotes

WEIGHTS_SUM_MAX = 1.0 + 1e-9


def check_decision(decision: object, instruments: Sequence[Instrument]) -> str | None:
    """Return what is wrong with a strategy's answer, or None."""
    known = {instrument.name: instrument for instrument in instruments}
    if isinstance(decision, Quotes):
        return _check_quotes(decision.by_instrument, known) or _check_targets(
            decision.targets, known
        )
    return _check_targets(decision, known)


def _check_targets(targets: object, known: Mapping[str, Instrument]) -> str | None:
    if targets is HOLD:
        return None
    if not isinstance(targets, Mapping):
        return f"answered {type(targets).__name__}, needed weights by instrument, Quotes or HOLD"
    needed = 0.0
    for name, weight in targets.items():
        if name not in known:
            return f"wants {name!r}, which the market does not offer"
        if isinstance(weight, bool) or not isinstance(weight, (int, float)):
            return f"weight of {name!r} is {type(weight).__name__}, needed a number"
        instrument = known[name]
        low, high = instrument.weight_low, instrument.weight_high
        if not low * WEIGHTS_SUM_MAX <= weight <= high * WEIGHTS_SUM_MAX:
            return f"weight of {name!r} is {weight!r}, needed {low:g} to {high:g}"
        needed += abs(weight) * instrument.backing
    if needed > WEIGHTS_SUM_MAX:
        return f"weights sum to {needed!r}, needed at most 1"
    return _check_calls(targets, known)


def _check_calls(targets: Mapping[str, float], known: Mapping[str, Instrument]) -> str | None:
    """A call is written on a coin that is held."""
    written: dict[str, float] = {}
    for name, weight in targets.items():
        coin = known[name].underlying
        if known[name].right is Right.CALL and coin is not None:
            written[coin] = written.get(coin, 0.0) - weight
    for coin, weight in written.items():
        held = targets.get(coin, 0.0)
        if weight > held + 1e-9:
            return f"calls on {weight:g} of {coin!r} are written on {held:g} that is held"
    return None


def _check_quotes(quotes: object, known: Mapping[str, Instrument]) -> str | None:
    if not isinstance(quotes, Mapping):
        return f"quotes are {type(quotes).__name__}, needed a quote by instrument"
    for name, quote in quotes.items():
        if name not in known:
            return f"quotes {name!r}, which the market does not offer"
        if known[name].margined:
            return f"quotes {name!r}, needed an instrument that is paid for"
        if not isinstance(quote, Quote):
            return f"quote of {name!r} is {type(quote).__name__}, needed a Quote"
        parts = {"bid": quote.bid, "ask": quote.ask, "size": quote.size}
        for part, value in parts.items():
            if not _is_share(value):
                return f"{part} of the quote of {name!r} is {value!r}, needed above 0, at most 1"
    return None


def _is_share(value: object) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and 0.0 < value <= 1.0  # type: ignore[operator]  # it is a number
