"""Somebody who writes on: `python -m tests.powercut.filling run.db`.

It opens the run and appends one batch for each line on its standard input.  It answers each line
with one: `acked SEQ HASH`, or `refused SEQ`; a batch that was refused is what it offers next.  It
never closes the run: it ends by being killed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from actors.journal.port import StorageError
from actors.journal.store import Store
from actors.testing.examples import OPENED, a_batch, an_allocation


def main() -> None:
    """Append until killed."""
    journal = Store(Path(sys.argv[1]))
    for _ in sys.stdin:
        head = journal.head()
        batch = a_batch(head, [an_allocation() if head.seq else OPENED] * 3)
        try:
            head = journal.append(batch)
        except StorageError as error:
            if not error.definite:
                raise
            print("refused", journal.head().seq, flush=True)  # noqa: T201
        else:
            print("acked", head.seq, head.hash, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
