"""Every recorded body is replayed somewhere, or there is no question that it answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.actors.feeds.clients.loopback import DATA

UNASKED = {
    "time_usdm.json": "no client asks an exchange for its time; the Date of an answer is enough",
    "history_ethereum_2024-01-01.json": "a day's price comes from /range, with all the others",
}


@pytest.mark.skipif(not DATA.exists(), reason=f"the recordings are not here: {DATA}")
def test_every_recording_is_used_or_has_no_question_here():
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    bodies = {
        path.name for folder in DATA.iterdir() if folder.is_dir() for path in folder.iterdir()
    }

    assert len(bodies) > 50
    assert {name for name in bodies if name not in tests} == set()
    assert set(UNASKED) <= bodies
