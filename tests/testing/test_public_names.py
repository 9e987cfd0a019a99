"""Loading the harness costs nothing, and its list of names is the one that type checkers read."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from actors import testing

SOURCE = ast.parse(Path(testing.__file__).read_text())


def imported() -> dict[str, str]:
    """Return name -> module of what type checkers are told."""
    return {
        name.name: node.module or ""
        for block in SOURCE.body
        if isinstance(block, ast.If)
        for node in ast.walk(block)
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }


def test_what_is_imported_is_what_type_checkers_are_told() -> None:
    assert imported() == testing._HOMES
    assert sorted(testing.__all__) == sorted(testing._HOMES)


@pytest.mark.parametrize("name", testing.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(testing, name).__class__ is not None


def test_another_name_is_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = testing.nonsense


def test_who_only_has_it_installed_imports_nothing_of_it() -> None:
    code = "import sys, actors.testing.plugin; print(sorted(each for each in sys.modules"
    code += " if each.partition('.')[0] in {'arena', 'actors', 'numpy', 'pydantic', 'structlog'}))"

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == str(["actors", "actors.testing", "actors.testing.plugin"])
