"""The soak can fail: every planted bug is found, by the invariant that it breaks, and soon."""

from __future__ import annotations

import pytest
from mutants import BREAKS, MUTANTS, SEEDS_MAX, hunt, planted

from actors.app.soak import run_seed
from actors.runtime import Mailbox


@pytest.mark.parametrize("name", MUTANTS)
def test_a_planted_bug_is_found(name: str) -> None:
    found = hunt(name)

    assert found is not None, f"not found in {SEEDS_MAX} seeds"
    assert found[1].split()[0] in BREAKS[name], found


def test_a_planted_bug_is_gone_afterwards() -> None:
    before = dict(vars(Mailbox))
    with planted("a lane has no bound"):
        assert dict(vars(Mailbox)) != before

    assert dict(vars(Mailbox)) == before
    assert run_seed(1, "crowd").faults == ()


def test_there_are_at_least_fifteen() -> None:
    assert len(MUTANTS) >= 15
