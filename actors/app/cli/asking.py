"""What the commands share that ask a daemon for a change.

The rule: a change has an id, somebody who answers for it, and a reason if there is one.  Whoever
does not hear what became of it asks again with the same id, and it is done once.
"""

from __future__ import annotations

import functools
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from actors.app.cli.output import Output, with_output

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType

Command = Callable[..., None]

EVENTS_SHOWN = 5
"""Events that the answer to a change names."""


_SECONDS: Mapping[str, float] = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}


def duration(text: str) -> float:
    """Return the seconds of `500ms`, `30s`, `2m` or `1h`: a number alone could be any of them.

    Raises:
        click.BadParameter: It is none of these.
    """
    found = re.fullmatch(r"([0-9]{1,6})(ms|s|m|h)", text)
    if found is None:
        raise click.BadParameter(f"{text!r} is no duration, such as 30s or 2m")
    return int(found[1]) * _SECONDS[found[2]]


@dataclass(frozen=True, slots=True)
class Asking:
    """How a command asks, and where its answer goes.

    Attributes:
        socket: The control socket; None looks for the run's.
        command_id: The key under which the change is done once; None makes one.
        reason: Why, for the record.
        timeout_s: Seconds that the answer may take.
        output: Where the answer goes.
    """

    socket: str | None
    command_id: str | None
    reason: str
    timeout_s: float
    output: Output

    def change(
        self, run: str | None, op: str, said: str, args: Mapping[str, Any] | None = None
    ) -> None:
        """Ask for `op`, and show what is so from now on: `said`; see `ask`."""
        data = self.ask(run, op, args)
        self.output.show(data, lambda: receipt_lines(data, said))

    def ask(
        self, run: str | None, op: str, args: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Ask for `op`, and return what came of it, with the `op` and the `id`.

        Args:
            run: The run whose daemon is asked; None is the only one that runs here.
            op: What to ask for.
            args: What the `op` is told.

        Raises:
            ControlError: It was not done.
            NoAnswerError: It may have been done or not.
        """
        from actors.app.control.client import ControlClient
        from actors.app.control.find import find_socket

        path = find_socket(run, self.socket)
        command_id = self.command_id or f"cli-{os.getpid()}-{time.monotonic_ns()}"
        client = ControlClient(path, self.timeout_s)
        with reaching(path):
            found = client.ask(op, args, command_id=command_id, by=_by(), reason=self.reason)
        return {"op": op, "id": command_id, **found}


@contextmanager
def reaching(path: Path) -> Iterator[None]:
    """Say whose the control socket at `path` is to a user who may not connect to it."""
    try:
        yield
    except PermissionError as error:
        words = f"{error.strerror}; its daemon is asked by the user who runs it, and by root"
        raise PermissionError(error.errno, words, str(path)) from None


def asks(command: Command) -> Command:
    """Give a command the options of a change; it receives them as `asking`."""

    @click.option("--socket", metavar="PATH", help="The control socket, instead of a RUN.")
    @click.option("--id", "command_id", metavar="ID", help="The key under which it is done once.")
    @click.option("--reason", metavar="TEXT", default="", help="Why, for the record.")
    @click.option(
        "--timeout",
        "timeout_s",
        metavar="DURATION",
        type=duration,
        default="30s",
        show_default=True,
        help="How long the answer may take.",
    )
    @with_output
    @functools.wraps(command)
    def wrapped(
        *args: Any,
        socket: str | None,
        command_id: str | None,
        reason: str,
        timeout_s: float,
        output: Output,
        **kwargs: Any,
    ) -> None:
        asking = Asking(socket, command_id, reason, timeout_s, output)
        command(*args, asking=asking, **kwargs)

    return wrapped


def daemon_argument(command: Command) -> Command:
    """Give a command the argument RUN, which may be left out where one daemon runs."""
    return click.argument("run", metavar="[RUN]", required=False, type=click.Path())(command)


def confirmed(*, yes: bool, what: str) -> None:
    """Check that somebody means it.

    Raises:
        click.UsageError: They have not said so.
    """
    if not yes:
        raise click.UsageError(f"{what}, and nothing brings it back: say --yes if you mean it")


def _by() -> str:
    """Return who answers for what this process asks for."""
    import pwd

    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        name = str(os.geteuid())
    return f"cli:{name}"[:64]


def receipt_lines(data: Mapping[str, Any], said: str) -> Iterator[RenderableType]:
    """Yield what is so now, and where it is on record; both as text that moves no cursor."""
    from actors.app.render import plain

    events = data.get("events")
    if data.get("duplicate"):
        yield plain(f"done before, under the id {data['id']}; nothing was done again")
    elif events == []:
        yield plain(f"{said} already; nothing changed")
    else:
        yield plain(said)
    if events:
        kinds = [*dict.fromkeys(map(_kind, events))]
        more = f" and {len(kinds) - EVENTS_SHOWN} more" if len(kinds) > EVENTS_SHOWN else ""
        yield plain(f"on record up to seq {data['seq']}: {', '.join(kinds[:EVENTS_SHOWN])}{more}")


def _kind(event: Mapping[str, Any]) -> str:
    """Return what an event is about: its type, and the agent if there is one."""
    agent = event["data"].get("agent_id")
    return f"{event['type']} {agent}" if agent else str(event["type"])
