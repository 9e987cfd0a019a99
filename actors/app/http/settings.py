"""What the web's process is told by whoever starts it, and how it is started.

The rule: it comes as one line on standard input, so that no path of a token stands in a list of
processes.  The line's pipe stays open: its end says that nobody wants the web any more.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """What to serve, to whom, and how.

    Attributes:
        run: The run's folder.
        fd: The number of the socket that listens, which the process inherits.
        port: The port that it listens on.
        socket: The control socket of the run's writer; empty where there is none.
        token_file: The file that holds the token; empty where HTTP changes nothing.
        hosts: Names under which a proxy calls it.
        nice: How far it steps back for the writer, 0 to 19.
        log: The words of `configure_log`.
    """

    run: str
    fd: int
    port: int
    socket: str = ""
    token_file: str = ""
    hosts: tuple[str, ...] = ()
    nice: int = 10
    log: str = "info,json"

    def to_json(self) -> str:
        """Return it on one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str | bytes) -> Self:
        """Return what `to_json` wrote.

        Raises:
            ValueError: It is no JSON.
            TypeError: It lacks something, or has something else.
        """
        said = json.loads(line)
        return cls(**{**said, "hosts": tuple(said.get("hosts", ()))})


def worker_command() -> list[str]:
    """Return what to execute for a process that serves the web."""
    return [sys.executable, "-m", "actors.app.http.worker"]
