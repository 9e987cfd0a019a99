"""Real processes on a real disk, killed at any moment: see `python -m tests.kills --help`.

Imported first, so that what is forked from here has no second thread: numpy's would not survive it.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
