"""An event survives its own JSON exactly, and anything that is not an event is refused."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from enum import Enum
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.journal.codec import canonical, decode, encode
from actors.journal.schema import NewerRunError
from actors.testing.examples import ADA, LIFE
from arena.events import (
    EVENT_TYPES,
    AgentFailed,
    AgentKilled,
    Event,
    NoteRecorded,
    TickSettled,
)
from arena.exceptions import EventSourcingError
from arena.words import Layer

TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(-(2**70), 2**70),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    type(None): st.none(),
}


@cache
def values(hint: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for everything that a field with this annotation may hold."""
    arguments = typing.get_args(hint)
    if isinstance(hint, typing.NewType):
        return values(hint.__supertype__)
    if hint in PLAIN:
        return PLAIN[hint]
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        return st.builds(hint, **{name: values(kind) for name, kind in hints.items()})
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return st.one_of([values(argument) for argument in arguments])
    if typing.get_origin(hint) is dict:
        return st.dictionaries(values(arguments[0]), values(arguments[1]), max_size=3)
    if arguments[-1] is Ellipsis:
        return st.lists(values(arguments[0]), max_size=3).map(tuple)
    return st.tuples(*map(values, arguments))


def shape(value: Any) -> Any:
    """Return `value` with every type in it written out: to `==`, 1 is 1.0 and True."""
    if dataclasses.is_dataclass(value):
        parts = [getattr(value, field.name) for field in dataclasses.fields(value)]
        return type(value), *map(shape, parts)
    if isinstance(value, dict):
        return dict, {key: shape(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple, *map(shape, value)
    return type(value), repr(value)


@pytest.mark.parametrize("kind", EVENT_TYPES.values(), ids=EVENT_TYPES)
@given(data=st.data())
@settings(max_examples=40)
def test_any_event_comes_back_equal_with_the_same_types(
    kind: type[Event], data: st.DataObject
) -> None:
    event = data.draw(values(kind))

    text = encode(event)
    back = decode(kind.__name__, 1, text)

    assert back == event
    assert shape(back) == shape(event)
    assert encode(back) == text


@pytest.mark.parametrize("event", LIFE, ids=lambda event: type(event).__name__)
def test_the_text_is_canonical(event: Event) -> None:
    text = encode(event)

    plain = json.loads(text)
    assert text == json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def test_a_threshold_stays_the_number_that_the_rule_gave() -> None:
    killed = next(event for event in LIFE if isinstance(event, AgentKilled))
    whole = dataclasses.replace(killed, thresholds=(("age", ">=", 30), ("sharpe", "<", 0.0)))

    text = encode(whole)

    assert '[["age",">=",30],["sharpe","<",0.0]]' in text
    assert encode(decode("AgentKilled", 1, text)) == text


def test_floats_are_written_in_their_shortest_form() -> None:
    event = NoteRecorded(
        kind="f", data={"a": 0.1 + 0.2, "b": 1e22, "c": -0.0, "d": 5e-324, "e": 1.0}
    )

    assert encode(event) == (
        '{"data":{"a":0.30000000000000004,"b":1e+22,"c":-0.0,"d":5e-324,"e":1.0},"kind":"f"}'
    )


def test_keys_come_in_order_whatever_the_order_they_were_given_in() -> None:
    assert canonical({"b": 1, "a": Layer.ARENA}) == canonical({"a": "arena", "b": 1})


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_none_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        encode(NoteRecorded(kind="f", data={"a": number}))


def test_text_that_has_no_bytes_is_refused_before_it_reaches_the_disk() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        encode(AgentFailed(agent_id=ADA, tick=1, kind="raised", message="\ud800"))


def test_a_value_without_a_json_form_is_refused() -> None:
    with pytest.raises(TypeError, match="no canonical JSON"):
        canonical({"a": {1, 2}})


def test_the_nested_facts_of_a_tick_keep_their_types() -> None:
    tick = next(event for event in LIFE if isinstance(event, TickSettled))

    back = decode("TickSettled", 1, encode(tick))

    assert isinstance(back, TickSettled)
    assert back.refused[0].reason is tick.refused[0].reason
    assert type(back.real.pnl[0]) is int
    assert back.virtual.bad_debt == tick.virtual.bad_debt


@pytest.mark.parametrize(
    "data",
    [
        "",
        "{",
        "null",
        "[]",
        "{}",
        '{"ticks":1}',
        '{"ticks":1,"cycles":1,"more":1}',
        '{"ticks":"1","cycles":1}',
        '{"ticks":1.0,"cycles":1}',
        '{"ticks":true,"cycles":1}',
        '{"ticks":NaN,"cycles":1}',
        b"\xff\xfe",
    ],
)
def test_data_that_is_no_such_event_is_refused_with_its_seq(data: str | bytes) -> None:
    with pytest.raises(EventSourcingError, match="seq 7: data is no RunCompleted") as caught:
        decode("RunCompleted", 1, data, seq=7)

    assert caught.value.seq == 7


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_is_none_is_refused_when_read(number: str) -> None:
    data = f'{{"drawdown":{number},"reason":"r","scope":"all","tick":1}}'

    with pytest.raises(EventSourcingError, match="drawdown"):
        decode("TradingHalted", 1, data)


def test_a_field_hidden_in_a_nested_fact_is_refused() -> None:
    tick = next(event for event in LIFE if isinstance(event, TickSettled))
    data = encode(tick).replace('"gas":10,', '"gas":10,"gift":1,', 1)

    with pytest.raises(EventSourcingError, match=r"fills\.0\.gift"):
        decode("TickSettled", 1, data)


@pytest.mark.parametrize(("kind", "version"), [("RunCompleted", 2), ("Rank", 1), ("", 0)])
def test_an_unknown_type_or_version_is_refused(kind: str, version: int) -> None:
    with pytest.raises(NewerRunError, match="unknown to this version"):
        decode(kind, version, '{"cycles":1,"ticks":1}')
