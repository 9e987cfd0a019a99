"""`arena panic` and `arena reset-panic`: the end of all trading, and of that end.

The rule: nothing stands between a person and the emergency stop.  It asks for no reason and no
confirmation; only what sells everything as well does.
"""

from __future__ import annotations

import click

from actors.app.cli.asking import Asking, asks, confirmed, daemon_argument


@click.command(short_help="Stop all trading, now.")
@daemon_argument
@click.option("--wind-down", is_flag=True, help="Sell everything as well; needs --yes.")
@click.option("--yes", is_flag=True, help="Yes, sell everything.")
@asks
def panic(
    run: str | None,
    wind_down: bool,  # noqa: FBT001  # click gives it
    yes: bool,  # noqa: FBT001  # click gives it
    asking: Asking,
) -> None:
    """Stop all trading of RUN, until `arena reset-panic`: nobody opens or closes anything.

    It is on record, so a daemon that is started again is still in panic.  What is held stays as it
    is; with --wind-down it is sold at the last close.

    \b
    Examples:
      arena panic
      arena panic runs/daemon --reason "prices look wrong"
      arena panic --wind-down --yes
    """
    if wind_down:
        confirmed(yes=yes, what="everything is sold at the last close")
    said = "all trading is stopped, everything is sold" if wind_down else "all trading is stopped"
    asking.change(run, "panic", said, {"wind_down": wind_down})


@click.command(short_help="Let trading go on after a panic.")
@daemon_argument
@asks
def reset_panic(run: str | None, asking: Asking) -> None:
    """Let the trading of RUN go on after `arena panic`.

    \b
    Example:
      arena reset-panic --reason "prices are right again"
    """
    asking.change(run, "reset-panic", "trading goes on")
