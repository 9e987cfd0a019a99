"""Files that come with the package and are no code: configs to run, and templates to begin with.

A config that is packaged goes by its bare name, wherever `arena` is called: `arena run quickstart`.
A file that is there under that name comes first.
"""

from __future__ import annotations

from pathlib import Path

PACKAGED = ("quickstart", "phase1", "daemon")
"""The configs that need no other file."""


def config_file(given: Path) -> Path:
    """Return the file that `given` means: itself, or the packaged config of that name."""
    if str(given) in PACKAGED and not given.exists():
        return _configs() / f"{given}.toml"
    return given


def _configs() -> Path:
    """Return the folder of the configs: inside a wheel, or at the top of a checkout."""
    here = Path(__file__).resolve()
    installed = here.parent / "configs"
    return installed if installed.is_dir() else here.parents[2] / "config"


def template(name: str) -> str:
    """Return the text of a template."""
    path = Path(__file__).resolve().parent / "templates" / f"{name}.txt"
    return path.read_text(encoding="utf-8")
