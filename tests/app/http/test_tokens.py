"""A change needs the token, and the token is where only its owner can read it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.app.http.asked import Asked
from actors.app.http.limits import Limits
from actors.app.http.tokens import TOKEN_MAX, TOKEN_MIN, Tokens, read_token
from actors.app.settings.problems import ConfigError

TOKEN = b"t" * TOKEN_MIN


def a_file(path: Path, content: bytes = TOKEN, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def a_link(path: Path) -> Path:
    a_file(path.with_name("real"))
    path.symlink_to("real")
    return path


def a_folder(path: Path) -> Path:
    path.mkdir(mode=0o600)
    return path


def a_pipe(path: Path) -> Path:
    os.mkfifo(path, 0o600)
    return path


UNUSABLE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "nothing": (lambda path: path, "No such file"),
    "a link": (a_link, "symbolic link"),
    "a folder": (a_folder, "no regular file"),
    "a pipe, on which nobody waits": (a_pipe, "no regular file"),
    "one that the group can read": (lambda p: a_file(p, mode=0o640), "0640, needed mode 0600"),
    "one that all can write": (lambda p: a_file(p, mode=0o602), "chmod 600"),
    "an empty one": (lambda p: a_file(p, b""), "32 to 512 visible characters"),
    "one that is too short": (lambda p: a_file(p, TOKEN[1:]), "31 bytes"),
    "one that is too long": (lambda p: a_file(p, b"x" * (TOKEN_MAX + 1)), "32 to 512"),
    "one of two lines": (lambda p: a_file(p, TOKEN + b"\n" + TOKEN), "on one line"),
    "one with a space": (lambda p: a_file(p, TOKEN + b" x"), "visible"),
    "one that is no text": (lambda p: a_file(p, TOKEN + b"\xff"), "visible"),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_a_token_file_that_cannot_be_trusted_is_refused_by_name(case: str, tmp_path: Path) -> None:
    make, words = UNUSABLE[case]
    path = make(tmp_path / "token")

    with pytest.raises(ConfigError) as refused:
        read_token(path)

    assert words in str(refused.value)
    assert str(path) in str(refused.value)
    assert TOKEN.decode() not in str(refused.value)


def test_white_space_after_a_token_is_no_part_of_it(tmp_path: Path) -> None:
    assert read_token(a_file(tmp_path / "token", TOKEN + b"\r\n")) == TOKEN


def asked(*authorization: bytes) -> Asked:
    headers = [(b"authorization", each) for each in authorization]
    scope = {"method": "POST", "path": "/", "query_string": b"", "headers": headers}
    return Asked(scope)


@given(given=st.binary(max_size=60).filter(lambda each: b"t" * TOKEN_MIN not in each))
def test_no_other_token_is_the_token(given: bytes) -> None:
    tokens = Tokens(TOKEN)

    refused = tokens.objection(asked(b"Bearer " + given))
    unsaid = tokens.objection(asked())

    assert refused == unsaid
    assert refused is not None
    assert refused.status == 401
    assert tokens.objection(asked(b"bearer " + TOKEN)) is None


def test_after_too_many_wrong_tokens_nobody_is_let_in_for_a_while() -> None:
    now = [100.0]
    limits = Limits(failures_max=3, failures_s=60.0)
    tokens = Tokens(TOKEN, limits=limits, clock=lambda: now[0])
    right, wrong = asked(b"Bearer " + TOKEN), asked(b"Bearer no")

    said = [tokens.objection(wrong) for _ in range(5)]
    meanwhile = tokens.objection(right)
    now[0] += 60.0
    later = tokens.objection(right)

    assert [each.status for each in said if each] == [401, 401, 401, 429, 429]
    assert meanwhile is not None
    assert (meanwhile.status, meanwhile.code, meanwhile.retry_s) == (429, "too_many_failures", 61)
    assert later is None


def test_without_a_token_file_nobody_changes_anything() -> None:
    refused = Tokens(None).objection(asked(b"Bearer " + TOKEN))

    assert refused is not None
    assert (refused.status, refused.code) == (403, "control_disabled")
