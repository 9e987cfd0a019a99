"""`arena doctor`: what would keep a daemon from running well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from actors.app.cli.moment import now
from actors.app.cli.output import Output, with_output
from actors.app.exits import ExitCode

if TYPE_CHECKING:
    from rich.console import RenderableType

    from actors.app.doctor import Finding

MARKS = {"ok": "ok     ", "warning": "warning", "problem": "PROBLEM"}


@click.command(short_help="Look for what would keep a daemon from running well.")
@click.argument("target", metavar="[RUN|CONFIG]", required=False, type=click.Path(path_type=Path))
@click.option("--out", metavar="DIR", help="The folder of CONFIG's run; runs/NAME without it.")
@with_output
def doctor(target: Path | None, out: str | None, output: Output) -> None:
    """Look at this machine, and at RUN or CONFIG: versions, disk, rights, port, the run itself.

    Nothing is changed.  The exit code is 1 if there is a problem, 0 if there are warnings only.
    Ask it as the user who is to run the daemon.

    \b
    Examples:
      arena doctor
      arena doctor config/daemon.toml
      arena doctor config/daemon.toml --out runs/mine
      arena doctor runs/quickstart-1
    """
    from dataclasses import asdict

    from actors.app.doctor import examine
    from actors.app.experiment import RUNS
    from actors.app.packaged import config_file

    target = None if target is None else config_file(target)
    if target is not None and not target.exists():
        raise click.BadParameter(f"nothing is at {str(target)!r}", param_hint="RUN|CONFIG")
    if out is not None and (not out or target is None or target.suffix != ".toml"):
        raise click.BadParameter("it is the folder of a CONFIG's run", param_hint="--out")
    findings = examine(target, RUNS, now=now(), out=None if out is None else Path(out))
    ok = all(finding.level != "problem" for finding in findings)
    data = {"ok": ok, "checks": [asdict(finding) for finding in findings]}
    output.show(data, lambda: _lines(findings))
    if not ok:
        raise SystemExit(ExitCode.FAILED)


def _lines(findings: Sequence[Finding]) -> Iterator[RenderableType]:
    from actors.app.render import cell

    for finding in findings:
        advice = f" ({finding.advice})" if finding.advice else ""
        yield cell(f"{MARKS[finding.level]} {finding.check}: {finding.found}{advice}")
    problems = sum(finding.level == "problem" for finding in findings)
    warnings = sum(finding.level == "warning" for finding in findings)
    yield f"{_count(problems, 'problem')}, {_count(warnings, 'warning')}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
