"""Downloading before a look: `arena download-data`, in a process of its own.

The rule: no code that speaks to a network runs in the process that writes the journal.  What cannot
be fetched is said, and the look goes on with what is in the store.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from actors.app.settings import Settings

DOWNLOAD_S = 300.0
"""Seconds that fetching one series may take."""

_ARENA = (sys.executable, "-P", "-c", "from actors.app.cli import main; main()")
_SAID_MAX = 300


class Downloader:
    """Fetches what the store does not have yet of the series that a config names."""

    def __init__(self, settings: Settings, base: Path, *, base_url: str | None = None) -> None:
        """Prepare what is fetched.

        Args:
            settings: Which series, and from which day on.
            base: The folder that paths in the config are relative to.
            base_url: A mirror, to be asked instead of the sources themselves.

        Raises:
            ImportError: The extra `data` is not installed.
        """
        self._series = {
            source.store: _words(source.store, settings, base, base_url)
            for source in settings.market.sources
            if source.store is not None
        }

    async def run(self) -> tuple[str, ...]:
        """Fetch each series, one after another; return what went wrong, one sentence each."""
        said = [await _fetch(name, words) for name, words in self._series.items()]
        return tuple(each for each in said if each)


def _words(name: str, settings: Settings, base: Path, base_url: str | None) -> tuple[str, ...]:
    """Return the command that fetches a series, from a row before the first bar on."""
    from actors.feeds.stored import series_key  # noqa: PLC0415 - needs an extra

    key, first = series_key(name), settings.period.opens - timedelta(days=1)
    words = ["--source", key.source, "--symbol", key.symbol, "--kind", str(key.kind)]
    words += ["--timeframe", key.timeframe, "--timerange", f"{first:%Y%m%d}-"]
    words += ["--store", str((base / settings.market.store).absolute()), "--quiet"]
    return (*words, *(["--base-url", base_url] if base_url else []))


async def _fetch(name: str, words: Sequence[str]) -> str:
    """Return what went wrong; nothing if it is there."""
    try:
        process = await asyncio.create_subprocess_exec(
            *_ARENA,
            "download-data",
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        return f"{name}: no process can be started: {error.strerror}"
    try:
        async with asyncio.timeout(DOWNLOAD_S):
            _, err = await process.communicate()
    except TimeoutError:
        return f"{name}: not downloaded within {DOWNLOAD_S:.0f} s"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if not process.returncode:
        return ""
    last = (err.decode(errors="replace").strip().splitlines() or ["no reason given"])[-1]
    return f"{name}: not downloaded: {last[:_SAID_MAX]}"
