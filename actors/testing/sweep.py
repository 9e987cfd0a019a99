"""A sweep: one test on many schedules, until one of them breaks it.

The rule: a failing seed is the bug report.  So it is run once more before it is reported, and the
report says whether it failed in the same way: only then is the seed all that it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from actors.simulator import SimulationError, simulate
from actors.testing.stage import explore_of

__tracebackhide__ = True  # pytest shows the lines of the test, not those in here.

Test = Callable[[int], Coroutine[Any, Any, None]]
"""A test, given the seed that it runs on."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A seed that broke a test.

    Attributes:
        seed: It.
        error: How.
        passed: How many seeds had not, before it.
        again: How it ended when it was run once more; None where it did not fail.
    """

    seed: int
    error: BaseException
    passed: int
    again: BaseException | None

    def report(self, test: str) -> str:
        """Return what to tell whoever reads the failure.

        Args:
            test: What pytest calls the test.
        """
        lines = [
            f"arena: seed {self.seed} breaks this test; {self.passed} before it did not",
            f'  run it again    pytest "{test}" --arena-seed {self.seed}',
            f"  keep it         @pytest.mark.arena(seed={self.seed})",
        ]
        if self.again is None:
            lines.append(
                "  but it did not fail when it was run once more: something outlives a run (a "
                "class, a module, a fixture), or comes from outside (a clock, a global generator)"
            )
        elif _gist(self.again) != _gist(self.error):
            lines.append(
                f"  but when it was run once more it failed like this: {_gist(self.again)}"
            )
        return "\n".join(lines)


def sweep(test: Test, seeds: Sequence[int]) -> Failed | None:
    """Run `test` on each of `seeds` and return the first that it fails on.

    What ends a test without failing it (a skip, an interrupt) is raised.
    """
    for passed, seed in enumerate(seeds):
        error = _run(test, seed)
        if error is not None:
            return Failed(seed, error, passed, _run(test, seed))
    return None


def _run(test: Test, seed: int) -> BaseException | None:
    """Run `test` on one seed and return how it failed.

    `pytest.fail` is no `Exception`, and fails a test; `pytest.skip` neither.
    """
    import pytest  # noqa: PLC0415  # what calls this is pytest

    try:
        run = simulate(lambda: test(seed), seed=seed, explore=explore_of(seed))
    except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001  # it is what is looked for
        return error
    if run.left:
        return SimulationError("left behind:" + "".join(f"\n  {each}" for each in run.left))
    return None


def _gist(error: BaseException) -> str:
    """Return the first line of an error, with its type."""
    return f"{type(error).__name__}: {error}".partition("\n")[0]
