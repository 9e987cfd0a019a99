"""The command line of `arena` as a child process: forked and called, or the real console script."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import actors.app.cli.proving
import actors.app.cli.root
import actors.app.cli.run
import actors.app.experiment
import actors.app.log
import actors.app.proof
import actors.app.render
import actors.app.resuming  # noqa: F401  # what commands import when they are called
from actors.app.cli import main
from tests.kills.children import Child

ROOT = Path(__file__).parents[2]
QUICKSTART = ROOT / "config" / "quickstart.toml"

_SCRIPT = Path(sys.executable).with_name("arena")


def arena(folder: Path, *words: object, script: bool = False, wait: int | None = None) -> Child:
    """Start `arena` with `words`.

    Args:
        folder: For what it says.
        words: Of the command line.
        script: Start the console script, which has everything to import; else call it in a fork.
        wait: A handle; it begins once nobody holds its other end.
    """
    given = [str(word) for word in words]

    def work() -> None:
        if wait is not None:
            os.read(wait, 1)
        if script:
            program = [str(_SCRIPT)] if _SCRIPT.exists() else [sys.executable, "-c", _CODE, "arena"]
            os.execv(program[0], [*program, *given])  # noqa: S606  # this is how a fork becomes it
        sys.argv = ["arena", *given]
        main()

    return Child(work, folder)


_CODE = "from actors.app.cli import main; main()"
