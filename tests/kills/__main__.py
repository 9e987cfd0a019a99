"""Kill real processes: `python -m tests.kills PART [--count N] [--seed N]`.

A part is `runs`, `client`, `locks`, `signals`, `stops` or `control`: that one is the client of a
server that answers before it commits, and has to find that.

What was drawn from the seed is drawn again by the same command; when exactly a process was where is
the machine's affair.  It exits with 1 if anything was wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

from tests.kills.locks import contend
from tests.kills.runs import kill_runs
from tests.kills.servers import kill_servers
from tests.kills.signals import signal_runs
from tests.kills.stops import stop_runs
from tests.kills.tally import Tally

Part = Callable[..., Tally]

PARTS: dict[str, Part] = {
    "runs": kill_runs,
    "client": kill_servers,
    "locks": contend,
    "signals": signal_runs,
    "stops": stop_runs,
    "control": partial(kill_servers, hasty=True),
}
LASTING = {"runs", "signals"}


def main() -> int:
    """Carry one part out, print its tally as JSON, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--count", type=int, default=20, help="kills, signals or rounds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=180, help="of each run")
    parser.add_argument("--keep", type=Path, help="a new folder that keeps what was made")
    given = parser.parse_args()
    words = ["python -m tests.kills", given.part, f"--count {given.count} --seed {given.seed}"]
    show = partial(print, file=sys.stderr, flush=True)
    work = partial(PARTS[given.part], kills=given.count, seed=given.seed, show=show)
    if given.part in LASTING:
        words.append(f"--days {given.days}")
        work = partial(work, days=given.days)
    show(" ".join(words))
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        tally = work(given.keep or Path(name))
    took_s = round(time.monotonic() - began, 1)
    print(json.dumps({**asdict(tally), "good": tally.good, "took_s": took_s}))  # noqa: T201
    if not tally.good:
        show("to repeat it:", *words)
    return not tally.good


if __name__ == "__main__":
    sys.exit(main())
