"""Money is exact: whole micro-dollars, parsed from text, never from floats.

Prices, quantities and metrics are floats; what is stored, compared or moved as money is `Money`.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from typing import NewType, TypeVar

from arena.exceptions import ValidationError

Money = NewType("Money", int)
"""Micro-USD: one dollar is 1,000,000."""

K = TypeVar("K", bound=Hashable)

MICRO = 1_000_000
CENT = 10_000
MONEY_MAX = 10**15
"""The largest single amount, a thousand million dollars: sums of many stay far inside 64 bits."""

_USD = re.compile(r"(-?)([0-9]{1,10})(?:\.([0-9]{1,6}))?")


def parse_usd(text: str | int) -> Money:
    """Return the exact micro-USD of `text`, such as `"373261.00"`, or of whole dollars.

    Raises:
        ValidationError: Not plain decimal text (no exponent, sign `+`, comma or space), more than
            six decimals, or beyond `MONEY_MAX`.
    """
    if isinstance(text, bool) or not isinstance(text, (str, int)):
        raise ValidationError("amount", found=text, needed='decimal text such as "1000.00"')
    match = _USD.fullmatch(str(text))
    if match is None:
        raise ValidationError("amount", found=text, needed='decimal text such as "1000.00"')
    sign, whole, fraction = match.groups()
    micro = int(whole) * MICRO + int((fraction or "").ljust(6, "0"))
    if micro > MONEY_MAX:
        raise ValidationError("amount", found=text, needed=f"at most {MONEY_MAX // MICRO} dollars")
    return Money(-micro if sign else micro)


def render_usd(amount: int) -> str:
    """Return `amount` micro-USD as people read it: `$1,234.56`, six decimals only if needed."""
    whole, micro = divmod(abs(amount), MICRO)
    decimals = f"{micro // CENT:02d}" if micro % CENT == 0 else f"{micro:06d}"
    return f"{'-' if amount < 0 else ''}${whole:,}.{decimals}"


def to_money(usd: float) -> Money:
    """Return the whole micro-USD nearest to `usd` dollars, halves to even.

    This is the one door from prices to money: a position is worth `to_money(quantity * price)`.
    """
    return Money(round(usd * 1e6))


def split_largest_remainder(total: int, weights: Mapping[K, int]) -> dict[K, Money]:
    """Divide `total` micro-USD in proportion to whole-number `weights`; the parts sum to `total`.

    Each part is rounded down, then the units left over go to the largest remainders; ties go to the
    earlier key.

    Raises:
        ValueError: `total` or a weight is negative, or all weights are zero.

    Source:
        Hamilton's method of apportionment (1792).
    """
    whole = sum(weights.values())
    if total < 0 or whole <= 0 or any(weight < 0 for weight in weights.values()):
        raise ValueError(f"cannot split {total} by {dict(weights)}")
    parts = {key: total * weight // whole for key, weight in weights.items()}
    left = total - sum(parts.values())
    by_remainder = sorted(weights, key=lambda key: -(total * weights[key] % whole))
    for key in by_remainder[:left]:
        parts[key] += 1
    return {key: Money(part) for key, part in parts.items()}
