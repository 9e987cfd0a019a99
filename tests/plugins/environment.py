"""An environment of its own: an empty one, outside the repository, filled without a network.

The wheels are installed by pip.  What they declare that they need is linked from the environment of
the tests, and nothing else: a dependency that is not declared is not there.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "arena-momentum"


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment.

    Attributes:
        folder: Where it is; nothing else is in it.
    """

    folder: Path

    @property
    def bin(self) -> Path:
        """Its programs."""
        return self.folder / "bin"

    @property
    def site(self) -> Path:
        """Its packages."""
        (site,) = self.folder.glob("lib/python*/site-packages")
        return site

    def call(self, folder: Path, program: str, *words: object) -> subprocess.CompletedProcess[str]:
        """Call one of its programs in `folder`, and return how it ended."""
        return call(folder, self.bin / program, *words)


def call(folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """Carry out a command in `folder`, with nothing of ours in its surroundings."""
    kept = {name: os.environ[name] for name in ("HOME", "PATH", "TMPDIR") if name in os.environ}
    return subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env=kept | {"LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )


def build_wheel(project: Path, folder: Path) -> Path:
    """Build the wheel of `project` into a folder of its own below `folder`, and return it."""
    target = folder / project.name
    built = call(project, sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", target)
    assert built.returncode == 0, built.stderr
    (wheel,) = target.glob("*.whl")
    return wheel


def make_environment(folder: Path, wheels: list[Path], *, tools: list[str]) -> Environment:
    """Make an environment with `wheels`, what they need, and `tools` from ours."""
    venv.EnvBuilder(symlinks=True).create(folder)
    made = Environment(folder)
    pip = [sys.executable, "-m", "pip", "--python", made.bin / "python", "--quiet"]
    options = ["--no-index", "--no-deps", "--no-compile"]
    installed = call(folder, *pip, "install", *options, *wheels)
    assert installed.returncode == 0, installed.stderr
    names = [_plain(wheel.name.partition("-")[0]) for wheel in wheels]
    for needed in _needed([*tools, *names]):
        if _plain(needed.name) not in names:
            _link(needed, made.site)
    checked = call(folder, *pip, "check")
    assert checked.returncode == 0, checked.stdout
    return made


def _plain(name: str) -> str:
    """Return a distribution's name as all of its spellings agree on it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _needed(names: list[str]) -> Iterator[Distribution]:
    """Yield the distributions of `names` that are there, and what they declare, without extras."""
    waiting, seen = [*names], set[str]()
    while waiting:
        name = _plain(waiting.pop())
        if name in seen or name == _plain(EXAMPLE.name):
            continue
        seen.add(name)
        found = distribution(name)
        yield found
        for text in found.requires or []:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)


def _link(found: Distribution, site: Path) -> None:
    """Let `site` have what belongs to a distribution."""
    for top in {path.parts[0] for path in found.files or []} - {"..", "__pycache__"}:
        there = site / top
        if not there.exists():
            there.symlink_to(Path(str(found.locate_file(top))))
