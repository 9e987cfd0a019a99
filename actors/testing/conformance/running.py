"""Runs the async tests of a suite, with whatever pytest plugins there are, or none.

The rule: what is tested is made, used and closed on one loop of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

MAKERS = {"journal": "make_journal", "venue": "make_venue"}
"""What a test is handed -> the method of its suite that makes it, given an empty folder."""


def on_its_loop(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Return a test for pytest that awaits `test`, whose first argument is made for it.

    What has a `close` is closed afterwards.
    """
    own, subject, *cases = signature(test).parameters.values()
    maker = MAKERS[subject.name]

    def run(suite: Any, tmp_path: Path, **given: Any) -> None:
        async def main() -> None:
            made = await getattr(suite, maker)(tmp_path)
            try:
                await test(suite, made, **given)
            finally:
                if hasattr(made, "close"):
                    await made.close()

        asyncio.run(main())

    folder = Parameter("tmp_path", Parameter.POSITIONAL_OR_KEYWORD)
    run.__signature__ = signature(test).replace(  # type: ignore[attr-defined]  # pytest reads it
        parameters=[own, folder, *cases]
    )
    run.__name__, run.__qualname__ = test.__name__, test.__qualname__
    run.__module__ = test.__module__
    return run
