"""What every journal, venue, feed, policy and strategy promises: suites to subclass.

The rule: a suite asks for nothing but pytest, which is the user's own and no dependency of the
arena.  Our own implementations are held to the same suites.
"""

from __future__ import annotations

try:
    import pytest
except ImportError as error:
    message = "the conformance suites are tests and need pytest, which is not installed"
    raise ImportError(message) from error

pytest.register_assert_rewrite(
    *(f"{__name__}.{suite}" for suite in ("feed", "journal", "policy", "strategy", "venue"))
)

# The assertions in them explain themselves from here on.
from actors.testing.conformance.feed import FeedConformance  # noqa: E402
from actors.testing.conformance.journal import JournalConformance  # noqa: E402
from actors.testing.conformance.policy import PolicyConformance  # noqa: E402
from actors.testing.conformance.strategy import StrategyConformance  # noqa: E402
from actors.testing.conformance.venue import VenueConformance  # noqa: E402

__all__ = [
    "FeedConformance",
    "JournalConformance",
    "PolicyConformance",
    "StrategyConformance",
    "VenueConformance",
]
