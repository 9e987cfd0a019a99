"""The pytest plugin: `@pytest.mark.arena` runs an async test on one seeded schedule after another.

The rule: whoever does not use it does not notice it.  Loading it imports nothing but pytest; only
tests with the mark are touched, and those run without any other plugin, and in spite of one.
"""

from __future__ import annotations

import inspect
from collections.abc import Generator, Sequence
from typing import Any

import pytest

__tracebackhide__ = True  # pytest shows the lines of the test, not those in here.

SEEDS = 100
"""How many seeds a test tries that does not say."""

MARK = (
    "arena(seeds=100, seed=None): run an async test on this many seeded schedules, or on one; "
    "a seed that fails is named"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("arena", "treasury-arena")
    group.addoption(
        "--arena-seed",
        type=int,
        metavar="N",
        help="run each test marked `arena` on the schedule of this seed alone",
    )
    group.addoption(
        "--arena-seeds",
        type=int,
        metavar="N",
        help="run each test marked `arena` on so many schedules, whatever its mark says",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line("markers", MARK)


@pytest.fixture
def arena_seed(request: pytest.FixtureRequest) -> int:
    """The seed of the schedule that the test runs on: another one in each run of a sweep."""
    return int(request.config.getoption("--arena-seed") or 0)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pycollect_makeitem() -> Generator[None, Any, Any]:
    """Take over tests with the mark, after whatever other plugins have made of them."""
    made = yield
    if made is None:
        return None
    if not isinstance(made, list):
        return _taken_over(made)
    return [_taken_over(each) for each in made]


def _taken_over(node: object) -> object:
    if not isinstance(node, pytest.Function) or node.get_closest_marker("arena") is None:
        return node
    swept = SweptFunction.from_parent(
        node.parent,
        name=node.name,
        callspec=getattr(node, "callspec", None),
        callobj=node.obj,
        fixtureinfo=node._fixtureinfo,  # noqa: SLF001  # a test is made of it, and nothing else has it
        keywords=node.keywords,
        originalname=node.originalname,
    )
    swept.own_markers = node.own_markers
    return swept


class SweptFunction(pytest.Function):
    """A test that is run on one seeded schedule after the other, each on a loop of its own."""

    def runtest(self) -> None:
        """Run the test on every seed.

        Raises:
            UsageError: The mark, or the test, cannot be used.
        """
        if not inspect.iscoroutinefunction(self.obj):
            raise pytest.UsageError(f"{self.nodeid}: the mark `arena` is for `async def` tests")
        from actors.testing.sweep import sweep  # noqa: PLC0415  # only where it is used

        names = self._fixtureinfo.argnames
        given = {name: self.funcargs[name] for name in names}

        async def test(seed: int) -> None:
            if "arena_seed" in given:
                given["arena_seed"] = seed
            await self.obj(**given)

        failed = sweep(test, self._seeds())
        if failed is not None:
            self.user_properties.append(("arena_seed", failed.seed))
            failed.error.add_note(failed.report(self.nodeid))
            raise failed.error

    def _seeds(self) -> Sequence[int]:
        """Return which seeds to run: those of the command line, or else those of the mark.

        Raises:
            UsageError: The mark cannot be used.
        """
        mark = self.get_closest_marker("arena")
        said = dict(mark.kwargs) if mark is not None else {}
        seeds, seed = said.pop("seeds", SEEDS), said.pop("seed", None)
        good = type(seeds) is int and seeds > 0 and (seed is None or type(seed) is int)
        if said or (mark is not None and mark.args) or not good:
            raise pytest.UsageError(f"{self.nodeid}: cannot use {mark}; it takes {MARK}")
        asked = self.config.getoption("--arena-seed")
        if asked is not None or seed is not None:
            return [asked if asked is not None else seed]
        return range(self.config.getoption("--arena-seeds") or seeds)
