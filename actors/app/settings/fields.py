"""The types of config values: strict, bounded, and described by their own JSON schema."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from arena.exceptions import ValidationError
from arena.ids import is_name
from arena.money import MONEY_MAX, Money, parse_usd, render_usd

BP = 10_000
DAYS_MAX = 36_525


class Section(BaseModel):
    """A table of the config: frozen, strict, and without keys that nobody knows."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


def wrong(needed: str) -> PydanticCustomError:
    """Return the error of a value that is not what was `needed`."""
    return PydanticCustomError("needed", "needed {needed}", {"needed": needed})


def plain_usd(amount: int) -> str:
    """Return micro-USD as a config writes them: `373261.00`."""
    return render_usd(amount).replace("$", "").replace(",", "")


def _parse(value: object) -> Money:
    text = value if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    try:
        return parse_usd(text)
    except (ValidationError, ValueError):  # `str` of a whole number has its limits.
        raise wrong(USD_NEEDED) from None


def _name(text: str) -> str:
    if not is_name(text):
        raise wrong(NAME_NEEDED)
    return text


def words(options: Iterable[str]) -> Any:
    """Return the metadata of a text that must be one of `options`, not known to the type checker.

    `Annotated[str, *words(OPTIONS)]`, where a Literal cannot be written because the words are data.
    """
    known = [*options]

    def check(text: str) -> str:
        if text not in known:
            raise wrong(f"one of {', '.join(known)}")
        return text

    return AfterValidator(check), WithJsonSchema({"type": "string", "enum": known})


USD_NEEDED = 'dollars as text such as "1000.00", or whole dollars, none below zero'
NAME_NEEDED = "a name: a small letter, then at most 62 of a-z, 0-9, _ and -"
INSTRUMENT_NEEDED = "a name: a letter, then at most 62 of A-Z, a-z, 0-9, _ and -"

_USD_SCHEMA: dict[str, Any] = {
    "anyOf": [{"type": "string", "pattern": r"^[0-9]{1,10}(\.[0-9]{1,6})?$"}, {"type": "integer"}],
    "x-needed": USD_NEEDED,
}

Usd = Annotated[
    Money,
    BeforeValidator(_parse),
    PlainSerializer(plain_usd, return_type=str, when_used="json"),
    Field(ge=0, le=MONEY_MAX),
    WithJsonSchema(_USD_SCHEMA),
]
"""Micro-USD, written as text or as whole dollars, never as a float."""


def usd(default: Money, description: str) -> Any:
    """Return the field of a sum of money."""
    text = plain_usd(default)
    return Field(default=default, description=description, json_schema_extra={"default": text})


Share = Annotated[float, Field(gt=0, le=1)]
Drawdown = Annotated[float, Field(ge=-1, le=0)]
Days = Annotated[int, Field(ge=1, le=DAYS_MAX)]
BasisPoints = Annotated[int, Field(ge=0, le=BP)]
Name = Annotated[
    str,
    AfterValidator(_name),
    WithJsonSchema(
        {"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,62}$", "x-needed": NAME_NEEDED}
    ),
]
InstrumentName = Annotated[
    str,
    Field(
        pattern="^[A-Za-z][A-Za-z0-9_-]{0,62}$", json_schema_extra={"x-needed": INSTRUMENT_NEEDED}
    ),
]
