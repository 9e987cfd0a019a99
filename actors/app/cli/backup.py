"""`arena backup` and `arena restore`: a proven copy of a run, and a run from such a copy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from actors.app.cli.calling import how_to
from actors.app.cli.output import Output, run_argument, with_output
from actors.app.cli.progress import sign_of_life
from arena.exceptions import ValidationError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from actors.journal.backup import Copy


@click.command(short_help="Copy a run, even while it is being written.")
@run_argument
@click.argument("path", metavar="PATH", type=click.Path(path_type=Path))
@with_output
def backup(run: str, path: Path, output: Output) -> None:
    """Copy RUN to the file PATH, and prove the copy before it gets that name.

    The run may be running meanwhile.  The copy is one moment of it, verified and folded as by
    `arena verify`; beside it an anchor is left, in PATH with the ending .anchors.jsonl.

    \b
    Example:
      arena backup runs/quickstart-1 quickstart.db
    """
    from actors.app.proof import proven_head
    from actors.journal.backup import back_up

    target = path.absolute()
    if not target.parent.is_dir():
        raise ValidationError("PATH", found=str(path), needed="a file in a folder that exists")
    try:
        with sign_of_life("copying and verifying", output):
            copy = back_up(run, target, proven_head)
    except FileExistsError as error:
        raise ValidationError("PATH", found=str(path), needed=f"a new file: {error}") from error
    data = {"run": run, "path": str(path), **_data(copy)}
    output.show(data, lambda: _lines("backed up", data))


@click.command(short_help="Make a run from a backup.")
@click.argument("source", metavar="BACKUP", type=click.Path(path_type=Path))
@click.option("--out", metavar="DIR", required=True, help="The run's folder; must hold no run.")
@with_output
def restore(source: Path, out: str, output: Output) -> None:
    """Make a run in DIR from BACKUP, which stays as it is.

    The backup is proven first, and what was made from it before it becomes DIR/run.db.

    \b
    Example:
      arena restore quickstart.db --out runs/quickstart-again
    """
    from actors.app.cli.damage import say_damage
    from actors.app.proof import proven_head
    from actors.journal import backup as journal

    if out == "":
        raise click.BadParameter("it is empty; a folder is needed", param_hint="--out")
    folder = Path(out)
    try:
        with sign_of_life("verifying and copying", output):
            copy = journal.restore(source.absolute(), folder.absolute(), proven_head)
    except (FileExistsError, NotADirectoryError) as error:
        is_file = error.errno is not None
        needed = "a folder, not a file" if is_file else f"a folder that holds no run: {error}"
        raise ValidationError("--out", found=out, needed=needed) from error
    except Exception as error:
        say_damage(error, str(source))
        raise
    data = {"backup": str(source), "path": str(folder / copy.path.name), **_data(copy)}
    output.show(data, lambda: (*_lines("restored", data), f"try: {how_to('verify', out)}"))


def _data(copy: Copy) -> dict[str, Any]:
    return {"seq": copy.head.seq, "hash": copy.head.hash, "bytes": copy.size}


def _lines(done: str, data: dict[str, Any]) -> Iterator[RenderableType]:
    from actors.app.render import plain

    yield f"{done} and verified: {data['seq']} events in {plain(data['path'])}"
    yield f"head: {data['seq']}:{data['hash']}"
    yield f"size: {data['bytes']} bytes"
