"""Where a notification goes: a URL that stands in no config.

The rule: whoever can post in our name could be anybody who can read the file, so only its owner
may.  No error shows what was found.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from actors.app.secret_files import read_secret
from arena.exceptions import ValidationError

_BYTES_MAX = 4_096


class Where(Protocol):
    """What says where the URL stands."""

    @property
    def url_file(self) -> str | None:
        """The file that holds it."""

    @property
    def url_env(self) -> str | None:
        """The variable that holds it."""


def address_of(
    wish: Where, place: int, folder: Path, environ: Mapping[str, str] | None = None
) -> str:
    """Return the URL that `wish` names.

    Args:
        wish: A table `[[notify]]`.
        place: Its number, from 1.
        folder: To which a `url_file` is relative.
        environ: The environment; that of the process by default.

    Raises:
        ValidationError: There is none, or one that is no URL, or others can read it.
    """
    if wish.url_file:
        key = f"notify[{place}].url_file"
        text = _in_file(folder / wish.url_file, key)
    else:
        key = f"notify[{place}].url_env"
        text = (os.environ if environ is None else environ).get(wish.url_env or "", "")
        if not text:
            raise ValidationError(key, found="no such variable", needed="one that holds a URL")
    return _checked(text.strip(), key)


def _in_file(path: Path, key: str) -> str:
    try:
        return read_secret(path, _BYTES_MAX).decode("utf-8", "replace")
    except ValidationError as error:
        raise ValidationError(key, found=error.found, needed=error.needed) from error


def _checked(url: str, key: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not url.isascii() or not url.isprintable() or " " in url:
        raise ValidationError(key, found="something else", needed="a URL, http or https")
    return url
