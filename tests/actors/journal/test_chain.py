"""An entry's hash depends on every field of the entry, on each field's border, and on its past."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from actors.journal.chain import HASHED, Entry, digest, entry_hash, genesis_hash, link, timestamp
from actors.testing.examples import GENESIS, OPENED, RUN, TIME, an_allocation

ENTRY = link(GENESIS, RUN, an_allocation(), timestamp=TIME, command_id="c-1", caused_by=1)


def test_every_field_but_the_hash_itself_is_hashed() -> None:
    assert set(HASHED) == {*Entry._fields} - {"hash"}


@pytest.mark.parametrize("name", HASHED)
def test_a_change_in_any_field_changes_the_hash(name: str) -> None:
    value = getattr(ENTRY, name)
    other = value + 1 if isinstance(value, int) else value + "x"

    assert entry_hash(ENTRY._replace(**{name: other})) != ENTRY.hash


@pytest.mark.parametrize("name", ["agent_id", "command_id"])
def test_nothing_is_not_the_empty_text(name: str) -> None:
    nothing, empty = ENTRY._replace(**{name: None}), ENTRY._replace(**{name: ""})

    assert entry_hash(nothing) != entry_hash(empty)


def test_a_letter_cannot_move_from_one_field_to_the_next() -> None:
    here = ENTRY._replace(event_id="ab", event_type="c")
    there = ENTRY._replace(event_id="a", event_type="bc")

    assert entry_hash(here) != entry_hash(there)


def test_the_bytes_that_are_hashed_are_these_and_stay_so() -> None:
    assert genesis_hash("{}") == (
        "fdc1c3e77025232d1f85202ae3e2354b9c5f2e3a07ae826a8183ef0e2d5b3f76"
    )
    assert digest([b"a", b"1", b"", b"b", b"1", None, b"t", None, None, b"{}"]) == (
        "a5dc88c2c209532ddb30fbdc2972b4a75dbf15417cfdeed8c0d43d174dd44b35"
    )


def test_an_entry_says_whom_it_is_about_only_if_its_event_does() -> None:
    assert ENTRY.agent_id == "g000-001"
    assert link(GENESIS, RUN, OPENED, timestamp=TIME).agent_id is None


def test_a_moment_is_written_in_utc_and_in_one_width() -> None:
    east = timezone(timedelta(hours=2))

    assert timestamp(datetime(2020, 4, 11, tzinfo=UTC)) == TIME
    assert timestamp(datetime(2020, 4, 11, 2, tzinfo=east)) == TIME
    with pytest.raises(ValueError, match="no time zone"):
        timestamp(datetime(2020, 4, 11))  # noqa: DTZ001 - this is the fault


@pytest.mark.parametrize("text", ["", "2020-04-11", "2020-04-11T00:00:00Z", TIME[:-1] + "+"])
def test_a_time_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must look like"):
        link(GENESIS, RUN, OPENED, timestamp=text)
