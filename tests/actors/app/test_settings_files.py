"""A config file is text in one format, or is refused by name; the command line is heard last."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from actors.app.settings import ConfigError, load_settings

GOOD = b"[run]\nseed = 7\n"


def refused(path: Path, *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_settings(path, overrides)
    return str(caught.value)


def write(folder: Path, content: bytes, name: str = "a.toml") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


CONTENTS = [
    ("more than 256 KiB", GOOD + b"#" * 262_144, "a.toml: found more than 262144 bytes"),
    ("a NUL byte", GOOD + b"\0", "a.toml:3: found a NUL byte, needed text in UTF-8"),
    ("Latin-1", b"[run]\n# caf\xe9\n", "a.toml:2: found byte 0xe9, needed text in UTF-8"),
    ("UTF-16", "[run]".encode("utf-16"), "a.toml: found UTF-16, needed UTF-8"),
    ("UTF-16 without BOM", "[run]".encode("utf-16-le"), "a.toml:1: found a NUL byte, needed text"),
    ("a broken line", b"[run]\nseed =\n", "a.toml:2:7: not TOML: Invalid value"),
    ("an open bracket", b"[run", "a.toml:1:5: not TOML: Expected ']'"),
    ("an open string", b'[run]\nname = "a', "a.toml:2:10: not TOML: "),
    (
        "a key twice",
        b"[run]\nseed = 1\nseed = 2\n",
        "a.toml:3:9: not TOML: Cannot overwrite a value",
    ),
    ("a table twice", b"[run]\n[run]\n", "a.toml:2:5: not TOML: Cannot declare ('run',) twice"),
    (
        "5,000 digits",
        b"[run]\nseed = " + b"1" * 5_000,
        "a.toml:2: found a whole number of thousands",
    ),
    ("lists without end", b"a = " + b"[" * 100_000, "a.toml: found lists or tables nested without"),
    ("JSON", b'{"run": {"seed": 7}}', "a.toml:1:1: not TOML: Invalid statement"),
]


@pytest.mark.parametrize(
    ("content", "answer"), [row[1:] for row in CONTENTS], ids=[row[0] for row in CONTENTS]
)
def test_what_is_no_text_or_no_toml_is_refused_with_its_place(tmp_path, content, answer):
    message = refused(write(tmp_path, content))

    assert answer in message
    assert message.startswith(str(tmp_path))
    assert "\n" not in message


@pytest.mark.parametrize("name", ["a.yaml", "a.yml", "a.json", "a.json5", "a.py", "a.pickle", "a"])
def test_there_is_one_format(tmp_path, name):
    message = refused(write(tmp_path, GOOD, name))

    assert f"found '{name}', needed a .toml file: configs have one format" in message


def test_a_missing_file_is_named(tmp_path):
    path = tmp_path / "none.toml"

    assert refused(path) == f"{path}: missing, needed a file of that name"


def test_a_link_to_nowhere_is_a_missing_file(tmp_path):
    path = tmp_path / "link.toml"
    path.symlink_to(tmp_path / "none.toml")

    assert "missing, needed a file" in refused(path)


def test_a_directory_is_no_config(tmp_path):
    path = tmp_path / "folder.toml"
    path.mkdir()

    assert refused(path) == f"{path}: found a directory, needed a .toml file"


def test_a_pipe_is_not_waited_for(tmp_path):
    path = tmp_path / "pipe.toml"
    os.mkfifo(path)

    assert "found a device or a pipe, needed a regular file" in refused(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_cannot_be_read_says_why(tmp_path):
    path = write(tmp_path, GOOD)
    path.chmod(0)

    assert "found Permission denied, needed a file that can be read" in refused(path)


@pytest.mark.parametrize("name", ["a\0b.toml", f"{'a' * 300}.toml"])
def test_a_name_that_no_file_can_have_is_refused(tmp_path, name):
    assert "needed a file" in refused(tmp_path / name)


@pytest.mark.parametrize("content", [GOOD, b"\xef\xbb\xbf" + GOOD, GOOD.replace(b"\n", b"\r\n")])
def test_a_byte_order_mark_and_crlf_are_no_fault(tmp_path, content):
    assert load_settings(write(tmp_path, content)).run.seed == 7


def test_an_empty_file_is_a_run_with_all_defaults(tmp_path):
    assert load_settings(write(tmp_path, b"")).run.seed == 42


def test_a_link_to_a_config_is_followed(tmp_path):
    path = tmp_path / "link.toml"
    path.symlink_to(write(tmp_path, GOOD))

    assert load_settings(path).run.seed == 7


OVERRIDES = [
    (["run.seed=5"], "run.seed", 5),
    (["run.seed=5", "run.seed=6"], "run.seed", 6),
    (["run.seed = 5"], "run.seed", 5),
    (["run.name=demo-2"], "run.name", "demo-2"),
    (['run.name="demo"'], "run.name", "demo"),
    (["risk.halt_days=never"], "risk.halt_days", "never"),
    (["costs.fee_bps=1e1"], "costs.fee_bps", 10.0),
    (['treasury.total="5.50"'], "treasury.total", 5_500_000),
    (["treasury.total=5"], "treasury.total", 5_000_000),
    (["market.start=2021-01-01"], "period.start.year", 2021),
    (["population.mix.cash=2"], "population.mix", {"cash": 2}),
    (
        ["population.mix={cash=2}", "population.mix.random=1"],
        "population.mix",
        {"cash": 2, "random": 1},
    ),
    (["population.baselines=[]"], "population.baselines", ()),
    (["rules.kill=[]"], "rules.kill", ()),
    (["run={name='a'}"], "run.seed", 42),
]


@pytest.mark.parametrize(
    ("overrides", "key", "value"), OVERRIDES, ids=[str(r[0]) for r in OVERRIDES]
)
def test_an_override_is_a_toml_value_or_a_bare_word(tmp_path, overrides, key, value):
    found = load_settings(write(tmp_path, GOOD), overrides)
    for part in key.split("."):
        found = getattr(found, part)

    assert found == value


BAD_OVERRIDES = [
    ("run.sed=5", "--set: run.sed: unknown key, did you mean 'seed'?"),
    ("rnu.seed=5", "--set: rnu: unknown key, did you mean 'run'?"),
    ("run.seed=true", "--set: run.seed: found true, needed a whole number"),
    ("run.seed=five", "--set: run.seed: found 'five', needed a whole number"),
    ("run.seed.x=5", "--set: run.seed: found 7, needed a table; a list is set as a whole"),
    ("instruments.0.name=BTC", "--set: instruments: found {'0': {'name': 'BTC'}}, needed a list"),
    ("treasury.total=5.5", "--set: treasury.total: found 5.5, needed dollars as text"),
    (
        "population.agents=101",
        "--set: population.agents: found 101, needed at most evolution.agents",
    ),
    ("run.seed", "--set: found 'run.seed', needed table.key=value"),
    ("=5", "--set: found '=5', needed table.key=value"),
    ("run.=5", "--set: found 'run.=5', needed table.key=value"),
    ("run.seed=", "--set: found 'run.seed=', needed table.key=value"),
    ("run.name=two words", "--set: found 'run.name=two words', needed table.key=value"),
    ("run.seed=1\nx=2", "--set: found 'run.seed=1\\nx=2', needed table.key=value"),
    ("a=1\n[b]\nc=2", "--set: found 'a=1\\n[b]\\nc=2', needed table.key=value"),
    (f"run.seed={'1' * 5000}", "--set: run.seed: found '1111"),
    (f"run.seed={'[' * 50_000}", "--set: found 'run.seed=[[[["),
]


@pytest.mark.parametrize(
    ("override", "answer"), BAD_OVERRIDES, ids=[row[1][:70] for row in BAD_OVERRIDES]
)
def test_a_bad_override_is_refused_as_such(tmp_path, override, answer):
    assert refused(write(tmp_path, GOOD), override).startswith(answer)


def test_all_bad_overrides_are_named_at_once(tmp_path):
    assert refused(write(tmp_path, GOOD), "a", "b").count("\n") == 1


def test_a_good_override_mends_a_bad_file(tmp_path):
    path = write(tmp_path, b"[run]\nseed = -1\n")

    assert load_settings(path, ["run.seed=1"]).run.seed == 1


def test_a_message_can_be_printed_anywhere(tmp_path):
    message = refused(write(tmp_path, b'[run]\nname = "\\u001b[31m\\u202e"\n"\\u0007" = 1'))

    assert all(line.isprintable() for line in message.splitlines())
    assert json.dumps(message).count("\\u001b") == 0
