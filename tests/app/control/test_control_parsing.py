"""A request is what it says, or is refused: nothing lies in between, and nothing breaks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from actors.app.control.errors import Code, ControlError
from actors.app.control.requests import ARGS, Args, Op, Reply, parse_request
from actors.app.control.wire import DEPTH_MAX, INT_MAX, LINE_MAX, load, request_line, result_of

NAMES = st.from_regex("[a-z][a-z0-9_-]{0,62}", fullmatch=True)
IDS = st.from_regex("[A-Za-z0-9._:-]{1,64}", fullmatch=True)
PRINTED = st.text(max_size=80).filter(str.isprintable)
NUMBERS = st.integers(-INT_MAX, INT_MAX) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(max_size=5)
PLAIN = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
PARAMETERS = st.dictionaries(
    st.from_regex("[a-z_]{1,20}", fullmatch=True),
    st.booleans() | NUMBERS | PRINTED,
    max_size=3,
)
ARGUMENTS: dict[Op, st.SearchStrategy[dict[str, Any]]] = {
    Op.STOP: st.fixed_dictionaries({}, optional={"drain_s": st.floats(0, 3600)}),
    Op.RELOAD: st.fixed_dictionaries({}, optional={"dry_run": st.booleans()}),
    Op.EVOLVE: st.fixed_dictionaries({}, optional={"dry_run": st.booleans()}),
    Op.PANIC: st.fixed_dictionaries({}, optional={"wind_down": st.booleans()}),
    Op.SPAWN: st.fixed_dictionaries({"strategy": NAMES}, optional={"parameters": PARAMETERS}),
    Op.KILL: st.fixed_dictionaries({"agent_id": NAMES}),
    Op.PAUSE_AGENT: st.fixed_dictionaries({"agent_id": NAMES}),
    Op.UNPAUSE_AGENT: st.fixed_dictionaries({"agent_id": NAMES}),
}


@st.composite
def asked(draw: st.DrawFn) -> tuple[Op, dict[str, Any], str, str, str]:
    op = draw(st.sampled_from(Op))
    by = draw(PRINTED.filter(bool))[:64]
    return op, draw(ARGUMENTS.get(op, st.just({}))), draw(IDS), by, draw(PRINTED)


@settings(max_examples=60)
@given(asked())
def test_what_is_asked_is_what_arrives(what):
    op, args, command_id, by, reason = what
    line = request_line(op, args, command_id=command_id, by=by, reason=reason)

    request = parse_request(line)

    assert (request.op, request.id, request.by, request.reason) == (op, command_id, by, reason)
    assert type(request.args) is ARGS.get(op, Args)
    assert request.args.model_dump(include=args.keys()) == args


@settings(max_examples=60)
@given(st.binary(max_size=300))
@example(b"")
@example(b"\xef\xbb\xbf{}")
@example(b'"\\')
def test_any_bytes_are_a_request_or_are_refused(line):
    assert outcome(line) in {None, Code.BAD_REQUEST}


@settings(max_examples=60)
@given(asked(), st.data())
def test_a_request_with_one_byte_changed_is_a_request_or_is_refused(what, data):
    op, args, command_id, by, reason = what
    line = bytearray(request_line(op, args, command_id=command_id, by=by, reason=reason))
    line[data.draw(st.integers(0, len(line) - 1))] = data.draw(st.integers(0, 255))

    assert outcome(bytes(line)) in {None, Code.BAD_REQUEST}


def outcome(line: bytes) -> Code | None:
    try:
        parse_request(line)
    except ControlError as error:
        return error.code
    return None


@settings(max_examples=60)
@given(PLAIN)
def test_plain_data_is_read_as_it_was_written(data):
    assert load(json.dumps(data).encode()) == data


@settings(max_examples=60)
@given(st.text('"\\{}[]a\n', max_size=200))
def test_the_depth_of_what_is_no_json_hurts_nobody(text):
    with pytest.raises(ControlError):
        load(f"{text}?".encode())


@pytest.mark.parametrize(("levels", "fits"), [(DEPTH_MAX, True), (DEPTH_MAX + 1, False)])
@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}")])
def test_it_may_be_as_deep_as_the_limit_and_no_deeper(levels, fits, opened, closed):
    line = f"{opened * levels}{1}{closed * levels}".encode()

    if fits:
        load(line)
    else:
        with pytest.raises(ControlError, match="deeper than 32"):
            load(line)


def test_brackets_in_a_text_are_no_levels():
    assert load(b'"' + b"[{" * 1000 + b'"') == "[{" * 1000


def test_a_line_that_only_looks_like_a_text_is_looked_at_once():
    with pytest.raises(ControlError):
        load(b'"' + b'\\"' * (LINE_MAX // 2 - 1))


@settings(max_examples=60)
@given(st.dictionaries(TEXTS, PLAIN, max_size=3))
def test_a_result_is_what_was_answered(result):
    assert result_of(Reply(result).line()) == result


@settings(max_examples=60)
@given(st.sampled_from(Code), TEXTS, st.none() | TEXTS)
def test_an_error_is_what_was_answered(code, message, reason):
    with pytest.raises(ControlError) as caught:
        result_of(Reply(error=ControlError(code, message, reason=reason)).line())

    found = caught.value
    assert (found.code, found.message, found.reason) == (code, message, reason)
    assert found.status == code.status


@settings(max_examples=60)
@given(PLAIN)
def test_what_is_no_reply_is_not_taken_for_one(data):
    if isinstance(data, dict) and data.get("ok") is True:
        return

    with pytest.raises(ValueError, match="no reply"):
        result_of(json.dumps(data).encode())


@pytest.mark.parametrize("result", [{"n": float("nan")}, {"n": {1}}, {"n": "x" * (4 << 20)}])
def test_what_no_reply_can_say_is_not_cut(result):
    with pytest.raises((ValueError, TypeError)):
        Reply(result).line()


@pytest.mark.parametrize("args", [{"n": float("inf")}, {"n": {1}}, {"n": "x" * LINE_MAX}])
def test_what_no_request_can_say_is_not_sent(args):
    with pytest.raises(ControlError) as caught:
        request_line("spawn", args, command_id="a", by="me", reason="")

    assert caught.value.code is Code.BAD_REQUEST
