"""The tests that the guides show pass, as whoever copies them would run them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
FILES = re.compile(r"^```python title=(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("page", ["write-a-strategy.md", "write-a-policy.md"])
def test_the_test_that_a_guide_shows_passes(tmp_path: Path, page: str) -> None:
    files = dict(FILES.findall((HOW_TO / page).read_text()))
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert len([name for name in files if name.startswith("test_")]) == 1
    assert ran.returncode == 0, ran.stdout
