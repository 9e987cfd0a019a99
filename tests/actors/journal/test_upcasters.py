"""What an older version wrote is read as today's, and not a byte of it is changed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from actors.journal.chain import Entry, Head, entry_hash, link
from actors.journal.codec import decode, decoder
from actors.journal.port import Batch
from actors.journal.reader import open_run
from actors.journal.schema import NewerRunError
from actors.journal.sqlite import SqliteJournal
from actors.journal.upcasters import UPCASTERS, upcast, version_of
from actors.journal.verify import verify
from actors.testing.examples import GENESIS, MANIFEST, META, OPENED, RUN, TIME
from arena.events import EVENT_TYPES, Event
from arena.exceptions import EventSourcingError
from tests.actors.journal.conftest import Tamperer


@dataclass(frozen=True, slots=True, kw_only=True)
class WeatherSeen:
    """A type with a past: its third version, and two before it."""

    place: str
    celsius: float
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OlderWeatherSeen:
    """The second version, as the arena of its day knew it."""

    place: str
    fahrenheit: int
    tag: str


def name_the_place(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """1 -> 2: every sighting was made in London, until somebody moved."""
    return {**data, "place": "London"}


def go_metric(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """2 -> 3: degrees of Celsius, and what was one text is a list."""
    kept = {key: value for key, value in data.items() if key not in {"fahrenheit", "tag"}}
    return {**kept, "celsius": (data["fahrenheit"] - 32) / 1.8, "tags": [data["tag"]]}


STORED = (
    (1, '{"fahrenheit":50,"tag":"rain"}'),
    (2, '{"fahrenheit":50,"place":"London","tag":"rain"}'),
    (3, '{"celsius":10.0,"place":"London","tags":["rain"]}'),
)
TODAY: Any = WeatherSeen(place="London", celsius=10.0, tags=("rain",))


@pytest.fixture(autouse=True)
def a_type_with_a_past(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EVENT_TYPES, "WeatherSeen", WeatherSeen)  # type: ignore[arg-type]
    monkeypatch.setitem(UPCASTERS, "WeatherSeen", (name_the_place, go_metric))
    decoder.cache_clear()


def as_stored(head: Head, event: Event, version: int, data: str) -> Entry:
    """Return the entry that an older arena would have written after `head`."""
    entry = link(head, RUN, event, timestamp=TIME)._replace(type_version=version, data=data)
    return entry._replace(hash=entry_hash(entry))


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A run that three releases wrote, one event each."""

    async def write() -> None:
        journal = await SqliteJournal.create(tmp_path, RUN, MANIFEST, META)
        head = await journal.append(Batch((link(GENESIS, RUN, OPENED, timestamp=TIME),), (OPENED,)))
        for version, data in STORED:
            entry = as_stored(head, TODAY, version, data)
            head = await journal.append(Batch((entry,), (TODAY,)))
        await journal.close()

    asyncio.run(write())
    return tmp_path / "run.db"


def test_every_version_is_read_as_todays(old: Path) -> None:
    with open_run(old) as run:
        assert [event for _, event in run.events(1)] == [TODAY, TODAY, TODAY]


def test_what_is_stored_and_its_hashes_stay(old: Path) -> None:
    before = old.read_bytes()

    report = verify(old)

    assert report.ok, report.findings
    with open_run(old) as run:
        list(run.events())
        assert [(entry.type_version, entry.data) for entry in run.entries(1)] == [*STORED]
    assert old.read_bytes() == before


def test_what_is_written_today_has_todays_version() -> None:
    assert link(GENESIS, RUN, TODAY, timestamp=TIME).type_version == 3
    assert link(GENESIS, RUN, OPENED, timestamp=TIME).type_version == version_of("ArenaOpened") == 1


@pytest.mark.parametrize(("version", "stored"), STORED)
def test_no_step_changes_what_it_is_given(version: int, stored: str) -> None:
    data = json.loads(stored)
    before = deepcopy(data)

    lifted = upcast("WeatherSeen", version, data)

    assert data == before
    assert upcast("WeatherSeen", version, data) == lifted == json.loads(STORED[-1][1])


@pytest.mark.parametrize(
    ("version", "data"),
    [
        (1, "{"),
        (1, "[]"),
        (1, '{"tag":"rain"}'),
        (1, '{"fahrenheit":"50","tag":"rain"}'),
        (1, '{"fahrenheit":NaN,"tag":"rain"}'),
        (1, '{"fahrenheit":50,"gift":1,"tag":"rain"}'),
        (2, '{"fahrenheit":50,"place":7,"tag":"rain"}'),
        (0, '{"fahrenheit":50,"tag":"rain"}'),
        (-1, STORED[-1][1]),
        (2, b"\xff"),
    ],
)
def test_what_no_version_wrote_is_refused_with_its_seq(version: int, data: str | bytes) -> None:
    with pytest.raises(EventSourcingError, match="seq 7: data is no WeatherSeen") as caught:
        decode("WeatherSeen", version, data, seq=7)

    assert caught.value.seq == 7


def test_an_older_arena_refuses_a_newer_event_and_names_it(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = old.read_bytes()
    monkeypatch.setitem(EVENT_TYPES, "WeatherSeen", OlderWeatherSeen)  # type: ignore[arg-type]
    monkeypatch.setitem(UPCASTERS, "WeatherSeen", (name_the_place,))

    with pytest.raises(NewerRunError, match=r"seq 4: event type 'WeatherSeen' version 3") as caught:
        verify(old)
    with open_run(old) as run, pytest.raises(NewerRunError, match="seq 4"):
        list(run.events())

    assert caught.value.seq == 4
    assert old.read_bytes() == before


def test_an_older_arena_refuses_a_type_that_it_never_heard_of(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(EVENT_TYPES, "WeatherSeen")

    with pytest.raises(NewerRunError, match="seq 2: event type 'WeatherSeen' version 1"):
        verify(old)


def test_a_changed_letter_is_damage_and_no_newer_version(database: Path) -> None:
    Tamperer(database).execute("UPDATE events SET event_type = 'ArenaClosed' WHERE seq = 3")

    assert verify(database).first_bad_seq == 3
