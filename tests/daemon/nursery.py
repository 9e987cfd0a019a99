"""The nursery: a process that has everything imported, and from which daemons are forked.

The rule: it has one thread and no connection, so that whoever is forked from it begins as a process
of its own does, without the second of imports.  Its keeper may have as many threads as it likes.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parents[2]


class Nursery:
    """Forks `arena`, and says how each of these processes ended."""

    def __init__(self) -> None:
        """Begin to import."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.daemon.nursery"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def __enter__(self) -> Self:
        """Be there for as long as the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End it; what it forked ends too."""
        with self._process as process:
            assert process.stdin is not None
            process.stdin.close()
            process.wait()

    def start(self, said: Path, *words: object, environ: Mapping[str, str] | None = None) -> int:
        """Start `arena` with `words`, and return its pid; what it says is kept in the folder."""
        asked = {"said": str(said), "words": [*map(str, words)], "environ": dict(environ or {})}
        pid: int = self._ask(asked)
        return pid

    def code(self, pid: int, within_s: float) -> int | None:
        """Wait so long for the end of `pid`; return its exit code, None while it lives."""
        code: int | None = self._ask({"pid": pid, "within_s": within_s})
        return code

    def _ask(self, asked: dict[str, Any]) -> Any:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(asked) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())


def main() -> None:
    """Fork whoever is asked for, until nobody asks any more."""
    from tests.daemon.imported import Child, call_arena  # noqa: PLC0415 - where the second is spent

    children: dict[int, Child] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        if "words" in asked:
            child = Child(call_arena(asked["words"], asked["environ"]), Path(asked["said"]))
            children[child.pid] = child
            answer: int | None = child.pid
        else:
            child = children[asked["pid"]]
            answer = child.code() if child.ended(asked["within_s"]) else None
        os.write(1, f"{json.dumps(answer)}\n".encode())
    for child in children.values():
        child.send(signal.SIGKILL)
        child.code()


if __name__ == "__main__":
    main()
