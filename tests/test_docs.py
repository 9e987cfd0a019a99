"""What the pages say is true: commands and code run, and print what stands below them.

A page is read from the top.  In a fresh folder that holds the repository's `config/`,

* a block that is titled (```csv title=prices.csv) is written to that file;
* a line `$ arena ...` in a `console` block is carried out, and the lines under it are its output
  (the run that all pages look at, `arena run config/quickstart.toml`, was carried out before);
* a `python` block is executed, and a `text` block right after it is what it prints;
* an `sql` block is asked of the first run, and a `text` block right after it is the answer.

A line `...` stands for any number of lines.  Not compared are seconds, and hashes: they are the
same only on the same platform.  `UPDATE_DOCS=1 pytest tests/test_docs.py` writes what is printed
now into the pages; blocks with a line `...` are kept by hand.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import CliRunner

from actors.app import bootstrap
from actors.app.cli import cli, progress
from actors.app.exits import ExitCode
from actors.journal.chain import HASHED
from actors.journal.schema import migrate
from arena.events import EVENT_TYPES, Event, Rank, Settlement
from arena.exceptions import ArenaError
from arena.orders import Fill, OrderRefusal, RefusedOrder
from arena.rules import METRICS
from arena.words import Book, Layer, Refusal, Status, Tier

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])

RUN_IT = (
    "python3 -m venv .venv"
    " && .venv/bin/pip install --quiet --constraint constraints.txt --editable ."
    " && .venv/bin/arena run config/quickstart.toml"
)
TEST_IT = (
    "python3 -m venv .venv"
    " && .venv/bin/pip install --quiet --constraint constraints.txt --editable '.[dev]'"
    " && .venv/bin/pytest --numprocesses 2"
)
FIRST_RUN = "arena run config/quickstart.toml"

REFUSED = {ExitCode.INVARIANT, ExitCode.DATA, ExitCode.GATE}
"""Pages show what a forged journal, a broken file and a cheating strategy are answered with."""

UPDATE = bool(os.environ.get("UPDATE_DOCS"))
FENCE = re.compile(r"^```(?P<info>[a-z]+[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
MASKS = {
    re.compile(r"\b[0-9a-f]{64}\b"): "<hash>",
    re.compile(r"\bin [0-9]+\.[0-9] s$", re.MULTILINE): "in <seconds>",
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# Pages that run


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its title if it has one, its lines, and where they stand."""

    kind: str
    title: str | None
    text: str
    span: tuple[int, int]


def blocks(page: Path) -> list[Block]:
    found = []
    for match in FENCE.finditer(page.read_text()):
        kind, _, title = match["info"].partition(" title=")
        found.append(Block(kind, title or None, match["text"], match.span("text")))
    return found


def commands(console: str) -> list[tuple[str, str]]:
    """Return each command of a console block, and the output that stands under it."""
    parts = re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]
    return [(part.partition("\n")[0], part.partition("\n")[2]) for part in parts]


class Workshop:
    """A folder in which pages are tried out, with a finished run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "config").symlink_to(ROOT / "config")
        self._first_run = self._call(FIRST_RUN)

    def arena(self, command: str) -> str:
        here = command.removeprefix(".venv/bin/")
        said = self._first_run if here == FIRST_RUN else self._call(here)
        # Who is not on the path is told how it was called, which cannot be tried out in here.
        return said if here == command else said.replace("\ntry: arena ", "\ntry: .venv/bin/arena ")

    def _call(self, command: str) -> str:
        program, *words = shlex.split(command)
        assert program == "arena", f"only arena can be tried out: {command}"
        with contextlib.chdir(self.folder):
            try:
                answer = CliRunner(env={"COLUMNS": None}).invoke(cli, words, "arena")
            finally:
                structlog.reset_defaults()
        assert answer.exit_code in {ExitCode.OK, *REFUSED}, answer.output
        return tidy((answer.stdout + answer.stderr).replace(f"{self.folder}/", ""))

    def python(self, code: str, names: dict[str, Any]) -> str:
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(code, "<page>", "exec"), names)  # noqa: S102 - our own pages
        return printed.getvalue()

    def sql(self, query: str) -> str:
        path = self.folder / "runs" / "quickstart-1" / "run.db"
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
            rows = db.execute(query).fetchall()
        return "".join("|".join("" if v is None else str(v) for v in row) + "\n" for row in rows)


def tidy(output: str) -> str:
    """Return `output` without empty lines at its ends: a page need not keep them."""
    return "\n".join(output.strip("\n").splitlines()) + "\n" if output.strip() else ""


def masked(text: str) -> str:
    for pattern, word in MASKS.items():
        text = pattern.sub(word, text)
    return text


def agree(shown: str, printed: str) -> bool:
    """Say whether what a page shows is what was printed; `...` is any number of lines."""
    shown, printed = masked(tidy(shown)), masked(tidy(printed))
    parts = [re.escape(part) for part in re.split(r"^ *\.\.\.\n", shown, flags=re.MULTILINE)]
    return re.fullmatch("(?:.*\n)*?".join(parts), printed) is not None


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(progress, "LINE_EVERY_S", 3600.0)  # A slow machine prints the same.
        yield Workshop(tmp_path_factory.mktemp("workshop"))


def runs_something(page: Path) -> bool:
    return any(block.kind in {"console", "python", "sql"} for block in blocks(page))


@pytest.mark.parametrize("page", [*filter(runs_something, PAGES)], ids=name_of)
def test_a_page_prints_what_it_shows(page: Path, workshop: Workshop) -> None:
    text, differences = page.read_text(), []
    for block, printed in reversed([*try_out(page, workshop)]):
        if not agree(block.text, printed):
            differences.append(f"\n--- the page\n{block.text}\n--- now\n{printed}")
            start, end = block.span
            text = text[:start] + printed + text[end:]
    if UPDATE:
        page.write_text(text)
    else:
        assert not differences, "".join(reversed(differences))


def try_out(page: Path, workshop: Workshop) -> Iterator[tuple[Block, str]]:
    """Yield each block that shows an output, and what it would show now."""
    names: dict[str, Any] = {"__name__": "page"}
    printed: str | None = None
    for block in blocks(page):
        if block.title is not None:
            (workshop.folder / block.title).write_text(block.text)
        elif block.kind == "console":
            asked = [command for command, _ in commands(block.text)]
            yield block, "\n".join(f"$ {each}\n{workshop.arena(each)}" for each in asked)
        elif block.kind == "text" and printed is not None:
            yield block, printed
        printed = None
        if block.kind == "python":
            printed = workshop.python(block.text, names)
        elif block.kind == "sql":
            printed = workshop.sql(block.text)


# The README


@pytest.mark.parametrize(("heading", "command"), [("## Run it", RUN_IT), ("## Test it", TEST_IT)])
def test_the_readme_has_the_two_commands_where_ci_finds_them(heading: str, command: str) -> None:
    part = FENCE.sub("", README.read_text()).split(f"\n{heading}\n")[1].split("\n## ")[0]
    indented = [line for line in part.splitlines() if line.startswith("    ")]
    find = "source <(sed -n '/^command_under/,/^}/p' .ci/run); command_under \"$0\""
    found = subprocess.run(
        ["bash", "-c", find, heading], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert indented == [f"    {command}"]
    assert found.stdout == f"{command}\n"


def test_the_one_sentence_stands_where_it_must() -> None:
    for path in (README, DOCS / "explanation" / "architecture.md", ROOT / "arena" / "__init__.py"):
        assert "arena decides, actors act" in path.read_text().lower().replace("*", ""), path


# The reference


def sections(page: str, level: int = 2) -> dict[str, str]:
    """Return heading -> what stands under it, down to the next heading of that level."""
    parts = re.split(rf"^#{{{level}}} (.+)$", (DOCS / page).read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


EVENTS = sections("reference/events.md")


@pytest.mark.parametrize("kind", EVENT_TYPES.values(), ids=lambda kind: kind.__name__)
def test_an_event_stands_in_the_reference_with_every_field(kind: type[Event]) -> None:
    text = EVENTS[kind.__name__]

    rows = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert rows == [field.name for field in fields(kind)]
    for word in ("**Written**", "**Caused by**", "**Moves**"):
        assert text.count(word) == 1, word


def test_the_reference_has_no_event_that_does_not_exist() -> None:
    assert [*EVENTS] == ["What every entry has", *EVENT_TYPES, "Parts of events"]


@pytest.mark.parametrize("kind", [Settlement, Rank, Fill, RefusedOrder], ids=lambda k: k.__name__)
def test_a_part_of_an_event_stands_in_the_reference_with_every_field(kind: type) -> None:
    text = sections("reference/events.md", level=3)[f"{kind.__name__}"]

    assert re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE) == [f.name for f in fields(kind)]


def test_every_exception_stands_in_the_reference_with_its_facts() -> None:
    text = sections("reference/errors.md", level=3)

    for kind in ArenaError.__subclasses__():
        if kind.__module__ == ArenaError.__module__:
            attributes = re.findall(r"^ +self\.(\w+) =", source_of(kind), re.MULTILINE)
            assert attributes, kind
            for name in attributes:
                assert f"`{name}`" in text[kind.__name__], f"{kind.__name__}.{name}"


def source_of(kind: type) -> str:
    text = (ROOT / "arena" / "exceptions.py").read_text()
    return text.split(f"class {kind.__name__}(")[1].split("\nclass ")[0]


def test_there_are_seven_exceptions_under_one_root() -> None:
    own = [kind for kind in ArenaError.__subclasses__() if kind.__module__ == "arena.exceptions"]

    assert len(own) == 7


@pytest.mark.parametrize("reasons", [Refusal, OrderRefusal], ids=lambda kind: kind.__name__)
def test_reasons_stand_in_the_reference_in_their_order(
    reasons: type[Refusal | OrderRefusal],
) -> None:
    text = sections("reference/errors.md", level=3)[reasons.__name__]

    rows = re.findall(r"^\| [0-9]+ \| `(\w+)` \|", text, re.MULTILINE)
    assert rows == [reason.value for reason in reasons]


def test_every_object_of_the_schema_stands_in_the_reference_with_its_columns() -> None:
    text = sections("reference/journal-schema.md")
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        migrate(db)
        objects = db.execute(
            "SELECT type, name FROM sqlite_schema WHERE name NOT GLOB 'sqlite_*'"
        ).fetchall()
        columns = {
            name: [row[1] for row in db.execute(f"PRAGMA table_info({name})")]
            for kind, name in objects
            if kind in {"table", "view"}
        }

    for name, names in columns.items():
        assert re.findall(r"^\| `(\w+)` \|", text[f"`{name}`"], re.MULTILINE) == names
    for kind, name in objects:
        assert kind != "trigger" or f"`{name}`" in text["Triggers"], name


def test_the_hashed_fields_stand_in_the_reference_in_their_order() -> None:
    text = sections("reference/journal-schema.md")["The hash"]

    assert re.findall(r"^[0-9]+\. `(\w+)`", text, re.MULTILINE) == [*HASHED]


def test_the_words_of_the_project_stand_in_the_glossary() -> None:
    text = (DOCS / "reference" / "glossary.md").read_text()
    found = set(re.findall(r"^\*\*(.+?)\*\*", text, re.MULTILINE))
    words = {"actor", "agent", "strategy", "policy", "event", "tick", "cycle", "journal", "ledger"}
    words |= {"book", "apply", "fold", "command", "decide", "seat", "entry", "pool", "unit NAV"}
    words |= {"life", "stint", "baseline", "refusal", "manifest", "head", "target", "roll", "badge"}
    words |= {value for kind in (Layer, Status, Tier) for value in kind}
    words |= {*METRICS, "virtual book", "real book"}

    assert {str(word) for word in words} - found == set()
    assert {str(book) for book in Book} == {"real", "virtual"}


# The explanation


def test_who_may_ask_whom_is_what_the_bootstrap_says() -> None:
    said = re.findall(
        r"^ {4}(\w+) +asks? +(.*?)(?: {2,}tells? +(.*))?$", bootstrap.__doc__ or "", re.MULTILINE
    )
    part = sections("explanation/architecture.md")["Who may ask whom"]
    rows = re.findall(r"^\| (\w+) \| (.*?) \| (.*?) \|$", part, re.MULTILINE)[1:]

    shown = {name: (asks, tells) for name, asks, tells in rows}
    asks = {name: set(asked.split(", ")) - {"nobody"} for name, asked, _ in rows}
    assert len(said) == 4
    for name, asked, told in said:
        assert shown[name] == (asked, told or "nobody")
    assert asks["allocator"] == set()
    assert not has_cycle(asks)


def has_cycle(graph: dict[str, set[str]]) -> bool:
    while leaves := [name for name, others in graph.items() if not others & graph.keys()]:
        for name in leaves:
            del graph[name]
    return bool(graph)


def test_the_layout_names_everything_that_is_there() -> None:
    (layout,) = re.findall(
        r"^```\n(arena/.*?)^```$",
        (DOCS / "explanation" / "architecture.md").read_text(),
        re.MULTILINE | re.DOTALL,
    )
    shown, package = set(), ""
    for name in re.findall(r"^ {0,2}[a-z_]+(?:/|\.py)", layout, re.MULTILINE):
        package = package if name.startswith(" ") else name
        shown.add(name if name == package else package + name.strip())

    there = {
        f"{package}/{path.name}{'/' if path.is_dir() else ''}"
        for package in ("arena", "actors")
        for path in (ROOT / package).iterdir()
        if path.name[0] not in "_." and path.name != "py.typed"
    }
    assert shown == there | {"arena/", "actors/"}


def test_every_decision_has_its_parts_and_its_number() -> None:
    pages = sorted((DOCS / "decisions").glob("*.md"))

    assert [page.name[:5] for page in pages] == [f"{n:04d}-" for n in range(1, len(pages) + 1)]
    for page in pages:
        text = page.read_text()
        assert text.startswith(f"# {page.name[:4]} "), page
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [
            "Context",
            "Options",
            "Decision",
            "Consequences",
            "Confirmation",
        ]
        confirmation = text.split("\n## Confirmation\n")[1]
        assert re.search(r"`(tests/\S+|[a-z-]+)`", confirmation), f"{page} names no test"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_test_that_a_page_names_exists(page: Path) -> None:
    for path, name in re.findall(r"`(tests/[\w/.]+\.py)(?:::([\w:]+))?`", page.read_text()):
        source = (ROOT / path).read_text()
        for part in filter(None, name.split("::")):
            assert re.search(rf"(def|class) {part}\b", source), f"{path}::{name}"


def test_import_contracts_that_a_page_names_exist() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    known = set(re.findall(r'^id = "(.+)"$', project, re.MULTILINE))

    for page in PAGES:
        for name in re.findall(r"import contract `([\w-]+)`", page.read_text()):
            assert name in known, f"{page}: {name}"


# All pages


def slug(heading: str) -> str:
    text = re.sub(r"[^\w\- ]", "", heading.lower())
    return text.replace(" ", "-")


def anchors(page: Path) -> set[str]:
    prose = FENCE.sub("", page.read_text())
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", prose, re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    prose = FENCE.sub("", page.read_text())
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), f"{target} leads nowhere"
        assert not anchor or anchor in anchors(path), f"{target} has no such heading"


def test_every_page_can_be_reached_from_the_map() -> None:
    seen: set[Path] = set()
    waiting = [DOCS / "index.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        targets = re.findall(r"\]\(([^)\s#]+)", page.read_text())
        waiting += [(page.parent / one).resolve() for one in targets if "://" not in one]

    assert [name_of(page) for page in PAGES if page not in seen] == []


def tracked() -> list[Path]:
    """Return the files of the repository; where there is no git, those that a clone would have."""
    git = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    names = git.stdout.decode().split("\0") if git.returncode == 0 else []
    found = [ROOT / name for name in names if name]
    return [path for path in found or [*PAGES, *ROOT.rglob("*.toml")] if path.is_file()]


REGISTRIES = re.compile(
    "|".join(("py" + "pi", "python" + "hosted", "index-" + "url")), re.IGNORECASE
)
SOMEBODYS = re.compile(
    r"(?<![\w.$}])/(?:" + "|".join(("work", "tmp", "home", "root", "Users")) + "/)"
)


@pytest.mark.parametrize(
    "bad", [REGISTRIES, SOMEBODYS], ids=["the name of a registry", "a path on one machine"]
)
def test_no_tracked_file_holds(bad: re.Pattern[str]) -> None:
    found = [
        f"{name_of(path)}: {match.group()}"
        for path in tracked()
        if (match := bad.search(path.read_text(errors="replace")))
    ]

    assert found == []


def test_help_needs_no_heavy_import() -> None:
    code = """
import sys
from actors.app.cli import cli, progress
try:
    cli(["--help"], "arena")
except SystemExit:
    print({"asyncio", "numpy", "pydantic", "rich", "sqlite3", "structlog"} & {*sys.modules})
"""
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert found.stdout.splitlines()[-1] == "set()"


def test_the_newest_changes_stand_at_the_top_of_the_changelog() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert headings[0] == "[Unreleased]"
