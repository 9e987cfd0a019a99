"""Which code a strategy is: where it is found, how it is loaded, and the hash of its files.

A strategy is named by a word (`cash`), by a module and a class (`mine.ideas:Breakout`), or by a
file (`ideas.py`, `ideas.py:Breakout`).  It is imported, as any code is; nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from actors.app.plugins import find_plugins
from arena.exceptions import ValidationError
from arena.strategies import Strategy

LOADED_AS = "strategy_file_"
"""How the module of a file is called: this, and the file's name."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where another process finds a class.

    Attributes:
        module: Its module.
        file: The module's file; empty where it has none.
        name: The class.
    """

    module: str
    file: str
    name: str


def find_strategy(word: str) -> type[Strategy]:
    """Return the strategy that a word of the command line names.

    Raises:
        ValidationError: There is none, or it cannot be imported; the message says why.
    """
    known = find_plugins().strategies
    if word in known:
        return known[word]
    path, _, name = word.rpartition(":") if _is_file(word.rpartition(":")[0]) else (word, "", "")
    if _is_file(path):
        return _choose(_import(lambda: load_file(Path(path)), word), name, word)
    module, _, name = word.partition(":")
    if not name:
        needed = f"module:Class, a file.py, or one of {', '.join(sorted(known))}"
        raise ValidationError("strategy", found=word, needed=needed)
    return _choose(_import(lambda: importlib.import_module(module), word), name, word)


def load_file(path: Path) -> ModuleType:
    """Return the module of a file, executed anew; its folder can be imported from."""
    path = path.resolve()
    name = LOADED_AS + path.stem
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path.name} is no Python file")
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def address_of(kind: type[Strategy]) -> Address | None:
    """Return where another process finds a class; None where it is made inside a function."""
    module = sys.modules.get(kind.__module__)
    file = getattr(module, "__file__", None) or ""
    if "<locals>" in kind.__qualname__ or (kind.__module__ == "__main__" and not file):
        return None
    found: object = module
    for part in kind.__qualname__.split("."):
        found = getattr(found, part, None)
    return Address(kind.__module__, file, kind.__qualname__) if found is kind else None


def load(address: Address) -> type[Strategy]:
    """Return the class at an address, in this process.

    Raises:
        ValidationError: It is not there, or cannot be imported.
    """
    by_file = address.module == "__main__" or address.module.startswith(LOADED_AS)

    def imported() -> ModuleType:
        if by_file:
            return load_file(Path(address.file))
        return importlib.import_module(address.module)

    found: object = _import(imported, address.module)
    for part in address.name.split("."):
        found = getattr(found, part, None)
    return _checked(found, f"{address.module}:{address.name}")


def source_hash(kind: type[Strategy]) -> str:
    """Return the SHA-256 of the files that define a strategy and its bases; empty without any."""
    digest, found = hashlib.sha256(), False
    for file in _files(kind):
        digest.update(file.read_bytes())
        found = True
    return digest.hexdigest() if found else ""


def _files(kind: type[Strategy]) -> Iterator[Path]:
    """Yield the files of a class and of its bases, up to `Strategy`, each of them once."""
    seen = set()
    for each in kind.__mro__:
        if each is Strategy:
            return
        try:
            inspect.getsource(each)  # A file may be named that does not hold it.
            file = Path(inspect.getsourcefile(each) or "")
        except (OSError, TypeError):
            continue
        if file not in seen:
            seen.add(file)
            yield file


def _is_file(word: str) -> bool:
    return word.endswith(".py") or "/" in word


def _import(work: Callable[[], ModuleType], word: str) -> ModuleType:
    """Import somebody else's module.

    Raises:
        ValidationError: That raised something.
    """
    try:
        return work()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        found, needed = f"{word}: {type(error).__name__}: {error}", "a module that can be imported"
        raise ValidationError("strategy", found=found, needed=needed) from error


def _choose(module: ModuleType, name: str, word: str) -> type[Strategy]:
    """Return the class `name`, or the only strategy of a module."""
    if name:
        return _checked(getattr(module, name, None), word)
    made = [
        each
        for each in vars(module).values()
        if isinstance(each, type)
        and issubclass(each, Strategy)
        and each.__module__ == module.__name__
        and hasattr(each, "name")
    ]
    if len(made) == 1:
        return made[0]
    names = ", ".join(each.__name__ for each in made) or "none"
    needed = "one strategy in the file, or file.py:Class"
    raise ValidationError("strategy", found=f"{word}, with {names}", needed=needed)


def _checked(found: object, word: str) -> type[Strategy]:
    if isinstance(found, type) and issubclass(found, Strategy) and hasattr(found, "name"):
        return found
    what = "no such class" if found is None else f"{found!r:.60}"
    needed = "a subclass of arena.strategies.Strategy with a name"
    raise ValidationError("strategy", found=f"{word}: {what}", needed=needed)
