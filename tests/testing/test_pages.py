"""The pages on testing: their tests run, say what is shown, and the first one is short."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from actors import testing
from actors.testing import conformance

DOCS = Path(__file__).parents[2] / "docs"
FENCE = re.compile(r"^```(\w+)(?: title=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: str) -> list[tuple[str, str, str]]:
    """Return (kind, title, text) of each block of a page."""
    return FENCE.findall((DOCS / page).read_text())


def run_page(page: str, folder: Path, *words: str) -> str:
    """Write the files of a page, run pytest there with warnings as errors; return its output."""
    for kind, title, text in blocks(page):
        if kind == "py":
            (folder / title).write_text(text)
    (folder / "pytest.ini").write_text(
        "[pytest]\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error\n"
    )
    named = ["-p", "actors.testing.plugin", "-p", "asyncio"]
    command = [sys.executable, "-m", "pytest", *named, "-p", "no:cacheprovider", *words]
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def shown(page: str) -> list[str]:
    """Return the text blocks of a page."""
    return [text for kind, _, text in blocks(page) if kind == "text"]


def test_a_newcomer_s_first_test_is_short() -> None:
    (text,) = (
        text for _, title, text in blocks("how-to/test-a-strategy.md") if title == "test_riser.py"
    )

    assert len(text.splitlines()) < 15
    assert text in (DOCS.parent / "README.md").read_text()


def test_the_tests_of_the_page_pass_and_tell_their_story(tmp_path: Path) -> None:
    page = "how-to/test-a-strategy.md"
    said = run_page(page, tmp_path, "-s")

    assert "failed" not in said, said
    assert re.search(r"\n=+ 13 passed in ", said), said
    for text in shown(page):
        assert text in said, said


def test_the_race_of_the_page_is_found_and_told_as_shown(tmp_path: Path) -> None:
    page = "how-to/read-a-failing-seed.md"
    said = run_page(page, tmp_path)

    for text in shown(page):
        assert text in said, said


def test_every_public_name_stands_in_the_reference() -> None:
    text = (DOCS / "reference" / "testing.md").read_text()

    for name in [*testing.__all__, *conformance.__all__]:
        assert re.search(rf"\b{name}\b", text), name
