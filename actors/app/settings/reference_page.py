"""The reference page of the config, made from its JSON schema."""

from __future__ import annotations

from collections.abc import Iterator

from actors.app.settings.explain import Node, needed
from actors.app.settings.pages import schema, show_toml, table_of
from actors.app.settings.reload import X_RELOAD
from actors.app.settings.render import write_value
from actors.app.settings.settings import Settings

_INTRO = """# Config

A run is one TOML file, such as `config/quickstart.toml`. Every key is listed here with the values
that it takes, its default and its meaning; an empty file is a run with all defaults. This page is
made from the code by `actors.app.settings.reference`, and a test keeps it so.

* Money is text such as `"1000.00"`, or whole dollars; never a number with a point.
* Dates and numbers stand without quotes, and no type is turned into another: `1.0` and `true` are
  not whole numbers.
* A share named `_bp` or `_bps` is in basis points: 10,000 are the whole. Other shares, returns and
  rates are fractions. A drawdown is 0 or less.
* An unknown key is refused, and the nearest known one is named. A config that cannot be used is
  refused with all of its problems, one line each, and exit code 2.
* `--set table.key=value` changes one value from the command line. The value is TOML; a bare word
  is text (`--set market.source=csv`). The later one wins, and a list is set as a whole.
* Bars are days, and a year has 365 of them.
* The tables `daemon`, `live`, `http` and `notify` say how `arena serve` carries a run out. They are
  no part of what is run, and `arena run` does not look at them.
* The column *reload* says when a daemon takes over [a change](../how-to/change-a-running-daemon.md)
  of the key: `live` at once, `next-cycle` when the cycle under way has ended, `restart` never: a
  key of the four tables above then waits for the next start, and any other for another run.
"""

_OUTRO = """
## All defaults

The config that an empty file stands for:

"""


def reference() -> str:
    """Return `docs/reference/config.md`."""
    root, seen = schema(), dict[str, str]()
    lines = [_INTRO]
    for name, node in root["properties"].items():
        lines += _describe(node, name, root, seen)
    return "\n".join(lines) + _OUTRO + f"```toml\n{show_toml(Settings())}```\n"


def _describe(node: Node, path: str, root: Node, seen: dict[str, str]) -> Iterator[str]:
    """Yield the section of the table at `path`, and of the tables in it."""
    table = table_of(node, root)
    heading = f"[[{path}]]" if "items" in node else f"[{path}]"
    first = seen.setdefault(table["title"], heading)
    yield f"## `{heading}`\n"
    yield " ".join(f"{table['description']} {node.get('description', '')}".split()) + "\n"
    if first != heading:
        yield f"The keys are those of `{first}`.\n"
        return
    inner = {key: each for key, each in table["properties"].items() if table_of(each, root)}
    if len(inner) < len(table["properties"]):
        yield "| key | value | default | reload | meaning |\n|---|---|---|---|---|"
        yield from (
            _row(key, each, root, is_needed=key in table.get("required", ()))
            for key, each in table["properties"].items()
            if key not in inner
        )
        yield ""
    for key, each in inner.items():
        yield from _describe(each, f"{path}.{key}", root, seen)


def _row(key: str, node: Node, root: Node, *, is_needed: bool) -> str:
    default = node.get("default")
    shown = "needed" if is_needed else "-" if default is None else f"`{write_value(default)}`"
    cells = (f"`{key}`", needed(node, root), shown, node[X_RELOAD], node["description"])
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"
