"""What a daemon imports when it is called, imported before it is forked."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence

import actors.app.cli.root
import actors.app.cli.serve
import actors.app.daemon.daemon
import actors.app.log  # noqa: F401
from actors.app.cli import main
from tests.kills.children import Child

__all__ = ["Child", "call_arena"]


def call_arena(words: Sequence[str], environ: Mapping[str, str]) -> Callable[[], object]:
    """Return what calls `arena` with `words`, in an environment with `environ` in it."""

    def work() -> None:
        os.environ.update(environ)
        sys.argv = ["arena", *words]
        main()

    return work
