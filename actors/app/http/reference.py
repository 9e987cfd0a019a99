"""The reference page of the API, made from its OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from actors.app.http.app import PREFIX, make_app
from actors.app.http.source import Source

Node = Mapping[str, Any]

_INTRO = f"""# API

A run is read over HTTP, while a daemon writes it (`arena serve`) or after its end (`arena open`).
Everything here is `GET` under `{PREFIX}`, and changes nothing; what changes something is `POST`
under `{PREFIX}/control/`, with [a token](../how-to/secure-the-daemon.md#let-http-change-something).
This page is made from the OpenAPI document (`{PREFIX}/openapi.json`) by
`actors.app.http.reference`, and a test keeps it so.

```sh
curl -s http://127.0.0.1:8420{PREFIX}/status
curl -s 'http://127.0.0.1:8420{PREFIX}/leaderboard?layer=arena&limit=5'
curl -s 'http://127.0.0.1:8420{PREFIX}/events?type=AgentKilled&order=desc&limit=10'
curl -s http://127.0.0.1:8420{PREFIX}/agents/g000-001/why
curl -sN 'http://127.0.0.1:8420{PREFIX}/stream?after_seq=0'
```

## What holds for all of it

* **One moment.** `as_of` is the place (`seq`) of the journal's entry after which everything in
  the answer was true. The server reads a running arena's journal itself, so it may be some
  entries behind: `status` says how many.
* **Units.** Money is whole micro-USD. Returns, drawdowns and shares are fractions. A day is a
  bar. What is no number is null.
* **Pages.** `limit` is at most 1,000. An answer's `next` is what the next page is asked with, and
  null at the end; it names an entry or an agent, never an offset, so nothing is missed or
  repeated while the run goes on. A page of entries looks at 50,000 of them and holds 4 MiB at
  most: with a filter it may be short, or empty, and go on.
* **Parameters** are values of a list, names, or bounded numbers. One that is unknown or given
  twice is refused with 422.
* **Problems.** Whatever is no answer is `application/problem+json` (RFC 9457) with a stable
  `code`, and `field` where a parameter is at fault.
* **Heavy questions** (`why`, `equity`, `cause`, a cycle) get 10 s, two at a time; then the answer
  is 503. `why` folds the run from the newest snapshot before the agent's birth on: of a long life
  among many only the command `arena why` says it.
* **No cookies, no CORS.** A page of another site cannot ask. `HEAD` is answered wherever `GET`
  is, but for the stream.

| status | codes |
|---|---|
| 404 | `not_found`, `unknown_agent`, `unknown_event`, `unknown_cycle` |
| 405 | `method_not_allowed` |
| 422 | `invalid_parameter`, `unknown_parameter`, `repeated_parameter` |
| 500 | `internal_error`: a bug, in the server's log under the incident that `detail` names |
| 503 | `starting`, `run_unreadable`, `too_slow`, `busy` |

Before a request comes that far, the server's door may turn it away: see the
[how-to](../how-to/secure-the-daemon.md).

## The stream

`{PREFIX}/stream` sends every entry of the journal as one server-sent event: `id` is its `seq`,
`event` its type, `data` the entry as JSON on one line. `after_seq` says where to begin; the
header `Last-Event-ID`, which browsers send when they come back, wins over it. From wherever it
begins, it misses nothing and repeats nothing, also when the server or the daemon was started anew
meanwhile. It ends where another run takes the place of the one that it began with, and before an
entry that is damaged; `run_id` in `status` says which run it is.

A stream pulls: it reads the next page of the journal when its reader has taken the last one. Who
reads slowly reads late and costs the server one page of 256 KiB, or of one entry; who takes
nothing for as long as the server's stall limit is cut off. Where nothing happens, a comment comes
every 15 s. New entries are seen within a second, most within a quarter.
"""


def reference() -> str:
    """Return `docs/reference/api.md`."""
    document = make_app(Source(Path())).openapi()
    schemas = document["components"]["schemas"]
    lines = [_INTRO]
    for path, operations in document["paths"].items():
        lines += _route(path, operations["get"])
    lines.append("## Answers\n")
    for name in sorted(schemas):
        lines += _model(name, schemas[name])
    return "\n".join(lines).rstrip() + "\n"


def _route(path: str, operation: Node) -> Iterator[str]:
    yield f"## `{path}`\n"
    yield f"{_text(operation['description'])}\n"
    parameters = operation.get("parameters", ())
    if parameters:
        yield "| parameter | value | default | meaning |\n|---|---|---|---|"
        for each in parameters:
            where = " (header)" if each["in"] == "header" else ""
            default = each["schema"].get("default")
            shown = "needed" if each.get("required") else "-" if default is None else f"`{default}`"
            cells = (f"`{each['name']}`{where}", _kind(each["schema"]), shown, _meaning(each))
            yield f"| {' | '.join(cells)} |"
        yield ""
    content = operation["responses"]["200"].get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    if "$ref" in schema:
        yield f"Answer: {_kind(schema)}.\n"


def _model(name: str, schema: Node) -> Iterator[str]:
    yield f"### {name}\n"
    yield f"{_text(schema['description'])}\n"
    yield "| field | value | meaning |\n|---|---|---|"
    for key, each in schema["properties"].items():
        yield f"| `{key}` | {_kind(each)} | {_meaning(each)} |"
    yield ""


def _meaning(node: Node) -> str:
    return _text(node.get("description", "")).replace("|", "&#124;")


def _text(text: str) -> str:
    return " ".join(text.split())


def _kind(node: Node) -> str:
    """Return a type in words."""
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in node:
        return " or ".join(dict.fromkeys(map(_kind, node["anyOf"])))
    if "enum" in node:
        many = len(node["enum"]) > 12
        return "a type of [event](events.md)" if many else ", ".join(f"`{e}`" for e in node["enum"])
    if node.get("type") == "array":
        return f"list of {_kind(node.get('items', {}))}"
    if node.get("type") == "object":
        inner = node.get("additionalProperties")
        return f"object of {_kind(inner)}" if isinstance(inner, Mapping) else "object"
    return _scalar(node)


def _scalar(node: Node) -> str:
    kind = str(node.get("type", "anything")) + (f", {node['x-unit']}" if "x-unit" in node else "")
    low, high = node.get("minimum"), node.get("maximum")
    if low is None:
        return kind
    return (
        f"{kind}, {low} to {high}" if high is not None and high < 2**53 else f"{kind}, from {low}"
    )
