"""Each archetype has a page, and its page says what the code says.

`UPDATE_DOCS=1 pytest tests/test_archetypes.py` writes the tables of parameters into the pages.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from arena.strategies import BUILT_IN, BuyAndHold, Cash, Number, Parameter, Random, Strategy

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "reference" / "archetypes"
ARCHETYPES = [kind for kind in BUILT_IN.values() if kind not in {Cash, BuyAndHold, Random}]

SECTIONS = ["Inputs", "Parameters", "How it trades", "Risks", "What the tests show"]
TABLE = re.compile(r"^\| parameter \|(?:.+\n)*", re.MULTILINE)
NAMED_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def page_of(kind: type[Strategy]) -> Path:
    return PAGES / f"{kind.name}.md"


def table_of(kind: type[Strategy]) -> str:
    rows = [f"| {' | '.join(cells(each))} |" for each in kind.parameters]
    head = "| parameter | value | default | meaning |\n|---|---|---|---|"
    return "\n".join([head, *rows]) + "\n"


def cells(parameter: Parameter) -> tuple[str, str, str, str]:
    if isinstance(parameter, Number):
        what = "a whole number" if parameter.integer else "a number"
        value = f"{what} from {parameter.low:g} to {parameter.high:g}"
        default = f"{parameter.default:g}"
    else:
        value, default = f"one of {', '.join(parameter.options)}", parameter.default
    return f"`{parameter.name}`", value, f"`{default}`", parameter.doc


def test_there_are_eight_archetypes() -> None:
    assert len(ARCHETYPES) == 8
    assert len({kind.family for kind in ARCHETYPES}) >= 6


@pytest.mark.parametrize("kind", ARCHETYPES, ids=lambda kind: kind.name)
def test_a_page_has_the_parameters_that_are_declared(kind: type[Strategy]) -> None:
    text = page_of(kind).read_text()
    if os.environ.get("UPDATE_DOCS"):
        text = TABLE.sub(lambda _: table_of(kind), text)
        page_of(kind).write_text(text)

    assert TABLE.findall(text) == [table_of(kind)]


@pytest.mark.parametrize("kind", ARCHETYPES, ids=lambda kind: kind.name)
def test_a_page_says_all_that_a_page_says(kind: type[Strategy]) -> None:
    text = page_of(kind).read_text()

    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    assert f"`{kind.name}`" in text
    assert f"`{kind.family}`" in text


@pytest.mark.parametrize("kind", ARCHETYPES, ids=lambda kind: kind.name)
def test_the_tests_that_a_page_names_are_there(kind: type[Strategy]) -> None:
    named = NAMED_TEST.findall(page_of(kind).read_text())

    assert named
    for path, name in named:
        assert f"def {name}(" in (ROOT / path).read_text(), name


@pytest.mark.parametrize("kind", ARCHETYPES, ids=lambda kind: kind.name)
def test_a_strategy_says_its_idea_what_it_watches_when_it_trades_and_its_risk(
    kind: type[Strategy],
) -> None:
    for word in ("Idea:", "Watches:", "Trades:", "Risk:"):
        assert (kind.__doc__ or "").count(f"    {word}") == 1, word


def test_the_index_names_every_archetype() -> None:
    linked = re.findall(r"\]\(([\w-]+)\.md\)", (PAGES / "index.md").read_text())

    assert sorted(linked) == sorted(kind.name for kind in ARCHETYPES)
