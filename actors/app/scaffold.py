"""New files for whoever writes a strategy: templates, filled in; nothing is written over."""

from __future__ import annotations

import keyword
import sys
from pathlib import Path

from actors.app.packaged import template
from actors.app.plugins import find_plugins
from arena.exceptions import ValidationError
from arena.ids import is_name


def scaffold(name: str, kind: str, folder: Path) -> dict[str, Path]:
    """Write the strategy `name`, its test, and a config that runs it.

    Args:
        name: As configs are to name it.
        kind: The template: `minimal` or `full`.
        folder: Is made if it is not there.

    Returns:
        What each file is -> where it is.

    Raises:
        ValidationError: The name cannot be used, or one of the files is there already.
    """
    module = _module_of(name)
    texts = {
        "strategy": (folder / f"{module}.py", template(f"{kind}_strategy")),
        "test": (folder / f"test_{module}.py", template(f"{kind}_test")),
        "config": (folder / f"{module}.toml", template("config")),
    }
    for path, _ in texts.values():
        if path.exists() or path.is_symlink():
            raise ValidationError(
                "NAME", found=name, needed=f"another one: {path} is there already"
            )
    words = {
        "@name@": name,
        "@module@": module,
        "@class@": "".join(part.capitalize() for part in module.split("_")),
        "@title@": module.replace("_", " ").strip().capitalize(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in texts.values():
        for word, meaning in words.items():
            text = text.replace(word, meaning)  # noqa: PLW2901  # filled in, one word after another
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    return {what: path for what, (path, _) in texts.items()}


def _module_of(name: str) -> str:
    """Return the module in which the strategy `name` is written.

    Raises:
        ValidationError: There can be none of that name, or another one is called so.
    """
    if not is_name(name):
        needed = "a small letter, then at most 62 of a-z, 0-9, _ and -"
        raise ValidationError("NAME", found=name, needed=needed)
    if name in find_plugins().strategies:
        raise ValidationError("NAME", found=name, needed="another one: a strategy is called so")
    module = name.replace("-", "_")
    taken = {"arena", "actors"} | sys.stdlib_module_names
    needed = f"another one: {module!r} is a word or a module of Python, or a package of ours"
    if keyword.iskeyword(module) or keyword.issoftkeyword(module) or module in taken:
        raise ValidationError("NAME", found=name, needed=needed)
    return module
