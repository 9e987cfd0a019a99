"""Every policy that is built in keeps what a policy promises."""

from __future__ import annotations

from actors.testing.conformance import PolicyConformance
from arena.policies import POLICIES, weigh_equal, weigh_tiered


class TestTiered(PolicyConformance):
    weigh = staticmethod(weigh_tiered)  # type: ignore[assignment]


class TestEqual(PolicyConformance):
    weigh = staticmethod(weigh_equal)  # type: ignore[assignment]


def test_none_of_them_is_left_out() -> None:
    tested = {suite.__dict__["weigh"].__func__ for suite in (TestTiered, TestEqual)}

    assert tested == {*POLICIES.values()}
