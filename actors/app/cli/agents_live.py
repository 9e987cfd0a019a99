"""`arena agents spawn`, `kill`, `pause` and `unpause`: one agent of a daemon, by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import click

from actors.app.cli.asking import Asking, asks, confirmed

Command = Callable[..., None]


def run_and(what: str) -> Callable[[Command], Command]:
    """Give a command the arguments `[RUN] <what>`; it receives both as `words`: see `two_words`."""
    return click.argument("words", nargs=-1, required=True, metavar=f"[RUN] {what}")


def two_words(words: Sequence[str]) -> tuple[str | None, str]:
    """Return the run, if there is one, and what else was named.

    Raises:
        click.UsageError: There are more than two words.
    """
    if len(words) > 2:
        raise click.UsageError(f"there is an argument too many: {words[2]!r}")
    return (words[0] if len(words) == 2 else None), words[-1]


@click.command(short_help="Give birth to an agent of a daemon.")
@run_and("STRATEGY")
@click.option(
    "--set",
    "parameters",
    metavar="NAME=VALUE",
    multiple=True,
    help="One parameter; can be repeated.  The others are the strategy's defaults.",
)
@asks
def spawn(words: tuple[str, ...], parameters: tuple[str, ...], asking: Asking) -> None:
    """Give birth to an agent with STRATEGY in the simulation of RUN.

    \b
    Examples:
      arena agents spawn tactical-trader
      arena agents spawn runs/daemon tactical-trader --set asset=ETH
    """
    run, strategy = two_words(words)
    args = {"strategy": strategy, "parameters": _parameters(parameters)}
    asking.change(run, "spawn", f"an agent was born with {strategy}", args)


def _parameters(overrides: Sequence[str]) -> dict[str, Any]:
    """Return the parameters that were set.

    Raises:
        ConfigError: One cannot be read.
        click.UsageError: One is neither a number nor a text nor a truth value.
    """
    from actors.app.settings.overrides import apply_overrides

    found: dict[str, Any] = {}
    apply_overrides(found, overrides)
    for name, value in found.items():
        if not isinstance(value, (bool, int, float, str)) or (
            isinstance(value, float) and not math.isfinite(value)
        ):
            raise click.UsageError(f"--set {name}: needed is a number, a text, true or false")
    return found


@click.command(short_help="End an agent of a daemon.")
@run_and("AGENT")
@click.option("--yes", is_flag=True, help="Yes, end it; nothing happens without this.")
@asks
def kill(
    words: tuple[str, ...],
    yes: bool,  # noqa: FBT001  # click gives it
    asking: Asking,
) -> None:
    """End AGENT: what it holds is sold, its capital goes back to where it came from.

    \b
    Example:
      arena agents kill g000-001 --yes --reason "trades against itself"
    """
    run, agent = two_words(words)
    confirmed(yes=yes, what=f"{agent} ends")
    asking.change(run, "kill", f"{agent} has ended", {"agent_id": agent})


@click.command(short_help="Let an agent of a daemon trade no more.")
@run_and("AGENT")
@asks
def pause(words: tuple[str, ...], asking: Asking) -> None:
    """Let AGENT trade no more, until `arena agents unpause`: it keeps what it holds.

    \b
    Example:
      arena agents pause g000-001
    """
    run, agent = two_words(words)
    asking.change(run, "pause-agent", f"{agent} trades no more", {"agent_id": agent})


@click.command(short_help="Let an agent of a daemon trade again.")
@run_and("AGENT")
@asks
def unpause(words: tuple[str, ...], asking: Asking) -> None:
    """Let AGENT trade again.

    \b
    Example:
      arena agents unpause g000-001
    """
    run, agent = two_words(words)
    asking.change(run, "unpause-agent", f"{agent} trades again", {"agent_id": agent})
