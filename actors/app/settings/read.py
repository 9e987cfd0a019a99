"""From a file to plain data: one format, one encoding, one size limit, and no guessing."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from actors.app.settings.problems import ConfigError, Fault, Problem, Said, escape

SIZE_MAX = 256 * 1024
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_DIGITS = re.compile(r"\d(?:_?\d){4300,}")
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of the file.

    Raises:
        ConfigError: It is not a readable TOML file in UTF-8 of at most 256 KiB; place and reason
            are named.
    """
    place = str(path)
    if path.suffix.lower() != ".toml":
        raise _refuse(place, path.name, "a .toml file: configs have one format")
    return parse_toml(_decode(_read(path), place), place)


def parse_toml(text: str, place: str) -> dict[str, Any]:
    """Return the tables of a TOML document.

    Raises:
        ConfigError: It is not one; line and column are named.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _refuse_syntax(text, place, str(error)) from None
    except RecursionError:
        raise _refuse(place, Said("lists or tables nested without end"), "a flat file") from None
    except ValueError:  # Python reads no whole number of more than 4,300 digits.
        number = _DIGITS.search(text)
        line = text.count("\n", 0, number.start()) + 1 if number else "?"
        found = Said("a whole number of thousands of digits")
        raise _refuse(f"{place}:{line}", found, "a number that fits 64 bits") from None


def _read(path: Path) -> bytes:
    place = str(path)
    try:
        if path.is_dir():
            raise _refuse(place, Said("a directory"), "a .toml file")
        if path.exists() and not path.is_file():
            raise _refuse(place, Said("a device or a pipe"), "a regular file")
        with path.open("rb") as file:
            content = file.read(SIZE_MAX + 1)
    except FileNotFoundError:
        raise _refuse(place, Fault.MISSING, "a file of that name") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path.
        reason = getattr(error, "strerror", None) or str(error)
        raise _refuse(place, Said(reason), "a file that can be read") from None
    if len(content) > SIZE_MAX:
        raise _refuse(
            place, Said(f"more than {SIZE_MAX} bytes"), f"at most {SIZE_MAX} bytes (256 KiB)"
        )
    return content


def _decode(content: bytes, place: str) -> str:
    if content.startswith(_UTF16):
        raise _refuse(place, Said("UTF-16"), "UTF-8")
    content = content.removeprefix(_BOM)
    nul = content.find(b"\0")
    if nul >= 0:
        line = content.count(b"\n", 0, nul) + 1
        raise _refuse(f"{place}:{line}", Said("a NUL byte"), "text in UTF-8 (is this UTF-16?)")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = Said(f"byte 0x{content[error.start]:02x}")
        raise _refuse(f"{place}:{line}", byte, "text in UTF-8") from None


def _refuse_syntax(text: str, place: str, message: str) -> ConfigError:
    """Return the error of a document that is not TOML, at line and column."""
    at = _PLACE.search(message)
    reason = escape(_PLACE.sub("", message))
    lines = text.split("\n")
    line, column = len(lines), len(lines[-1]) + 1
    if at is not None and at[1] is not None:
        line, column = int(at[1]), int(at[2])
    hint = " (a key stands twice)" if "overwrite" in reason or "twice" in reason else ""
    return _refuse(f"{place}:{line}:{column}", Fault.SYNTAX, f"{reason}{hint}")


def _refuse(place: str, found: object, needed: str) -> ConfigError:
    return ConfigError([Problem("", found, needed, place)])
