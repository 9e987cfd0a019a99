"""What is to be served: a config, and the folder in which its run lives.

The rule: a folder has one run.  Where there is none yet, serving begins it; where there is one, it
must be the config's: what may change while a run lives is changed by a reload, and nothing else is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from actors.app.experiment import RUNS
from actors.app.settings import Settings, load_settings
from actors.journal.files import FILE_NAME
from arena.exceptions import ValidationError

FOLDER_MODE = 0o700


@dataclass(frozen=True, slots=True)
class Serving:
    """What the daemon serves.

    Attributes:
        config: A TOML file.
        overrides: `table.key=value`, the later one winning; they win over a reload's file too.
        folder: Of the run.
        settings: What config and overrides say.
        paused: Whether the clock is to stand still from the start.
        web: Whether HTTP is served, if the config does not forbid it.
        after_io_error: Whether to go on although the last process ended in an I/O error.
        made: Whether the folder was made for this.
    """

    config: Path
    overrides: tuple[str, ...]
    folder: Path
    settings: Settings
    paused: bool = False
    web: bool = True
    after_io_error: bool = False
    made: bool = False

    @property
    def is_new(self) -> bool:
        """Whether the folder holds no run yet."""
        return not (self.folder / FILE_NAME).exists()

    @property
    def polls(self) -> bool:
        """Whether bars are made while it runs."""
        return self.settings.live.feed == "poll"

    @property
    def socket(self) -> Path:
        """The control socket."""
        named = self.settings.daemon.socket
        return self.config.parent / named if named else self.folder / "control.sock"

    def clear_away(self) -> None:
        """Take the folder away again if it was made for this, and nothing came to lie in it."""
        if self.made and not any(self.folder.iterdir()):
            self.folder.rmdir()


def prepare_serving(
    config: Path,
    overrides: Sequence[str],
    out: Path | None,
    *,
    paused: bool = False,
    web: bool = True,
    after_io_error: bool = False,
) -> Serving:
    """Read a config and make the run's folder, which only its owner can enter.

    Args:
        config: A TOML file.
        overrides: `table.key=value`, the later one winning.
        out: The run's folder; `runs/<name>` where it is None.
        paused: Whether the clock is to stand still from the start.
        web: Whether HTTP is served, if the config does not forbid it.
        after_io_error: Whether to go on although the last process ended in an I/O error.

    Raises:
        ConfigError: The config cannot be used.
        ValidationError: Something else than a folder is there.
        OSError: The folder cannot be made.
    """
    settings = load_settings(config, overrides)
    folder = out or RUNS / settings.run.name
    made = not folder.exists()
    try:
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise ValidationError("--out", found=str(folder), needed="a folder, not a file") from None
    return Serving(
        config, (*overrides,), folder, settings, paused=paused, web=web,
        after_io_error=after_io_error, made=made,
    )  # fmt: skip
