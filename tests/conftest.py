"""The order of the tests: long ones first, so that both workers of a run end together.

Each of two workers begins with one half of the list, and who is done takes from the other's end.  A
module stays in one piece: what its tests share is made once.  A pytest that a test starts loads no
plugin that takes seconds and is not asked for.  No example has a deadline: how long one takes says
how busy the machine is.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
os.environ["PYTEST_ADDOPTS"] = "-p no:schemathesis"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put modules with a slow test at the beginning of each half."""
    modules: dict[Path, list[pytest.Item]] = {}
    for item in items:
        modules.setdefault(item.path, []).append(item)
    slow = [path for path in modules if any(i.get_closest_marker("slow") for i in modules[path])]
    quick = [path for path in modules if path not in slow]
    order = [path for half in (0, 1) for path in (*slow[half::2], *quick[half::2])]
    items[:] = [item for path in order for item in modules[path]]
