"""The tables of the daemon: how a run is carried out by `arena serve`.

They are no part of what is run: the manifest does not know them, and `arena run` does not look at
them.  A secret never stands in a config: a key names the file that holds it, or the variable of the
environment.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema

from actors.app.settings.fields import Section, words, wrong
from actors.app.settings.reload import ReloadClass, reloads

SPEED_MAX = 1_000
OCCASIONS = ("panic", "invariant", "quarantine", "run_end", "kill", "halt")
"""Of what somebody can be told."""

LOG_LEVELS = ("debug", "info", "warning", "error")

_FACTOR = re.compile(r"([0-9]{1,4}(?:\.[0-9]{1,6})?)x")
_ADDRESS = re.compile(r"(?:127\.0\.0\.1|\[::1\]):([0-9]{1,5})")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
_PORT_MAX = 65_535
_PATH_MAX = 4_096

SPEED_NEEDED = 'text: "max", or "1x" to "1000x", how much faster than real time'
BIND_NEEDED = (
    'text: "127.0.0.1:PORT" or "[::1]:PORT"; from another machine one comes through a proxy that '
    "speaks TLS"
)
HOST_NEEDED = "a host name in small letters, without a port"
PATH_NEEDED = "text: the path of a file"
VARIABLE_NEEDED = "text: the name of a variable of the environment"


def bar_seconds(speed: str, bar_duration_s: float) -> float:
    """Return the real seconds that one bar takes at `speed`; 0 where nobody waits.

    Args:
        speed: `max`, or how much faster than real time, such as `60x`.
        bar_duration_s: What the bar lasts in the market, such as 86,400.
    """
    return 0.0 if speed == "max" else bar_duration_s / _factor(speed)


def _factor(speed: str) -> float:
    found = _FACTOR.fullmatch(speed)
    return float(found[1]) if found else 0.0


def _check_speed(text: str) -> str:
    if text != "max" and not 1 <= _factor(text) <= SPEED_MAX:
        raise wrong(SPEED_NEEDED)
    return text


def _check_bind(text: str) -> str:
    found = _ADDRESS.fullmatch(text)
    if found is None or int(found[1]) > _PORT_MAX:
        raise wrong(BIND_NEEDED)
    return text


def _check_host(text: str) -> str:
    if not _HOST.fullmatch(text):
        raise wrong(HOST_NEEDED)
    return text


def _check_path(text: str) -> str:
    if "://" in text or "\0" in text or len(text) > _PATH_MAX:
        raise wrong(PATH_NEEDED)
    return text


def _check_variable(text: str) -> str:
    if not _VARIABLE.fullmatch(text):
        raise wrong(VARIABLE_NEEDED)
    return text


def _text(needed: str, *, secret: bool = False) -> Any:
    """Return the JSON schema of a text; what is found in place of a `secret` is not shown."""
    return WithJsonSchema(
        {"type": "string", "x-needed": needed} | ({"x-secret": True} if secret else {})
    )


Speed = Annotated[str, AfterValidator(_check_speed), _text(SPEED_NEEDED)]
Bind = Annotated[str, AfterValidator(_check_bind), _text(BIND_NEEDED)]
Host = Annotated[str, AfterValidator(_check_host), _text(HOST_NEEDED)]
PathText = Annotated[str, AfterValidator(_check_path), _text(PATH_NEEDED)]
SecretFile = Annotated[str, AfterValidator(_check_path), _text(PATH_NEEDED, secret=True)]
Variable = Annotated[str, AfterValidator(_check_variable), _text(VARIABLE_NEEDED, secret=True)]

_LIVE, _RESTART = reloads(ReloadClass.LIVE), reloads(ReloadClass.RESTART)


def _refusing(key: str, instead: str) -> ConfigDict:
    """Return the config of a table in which `key` would hold a secret."""
    words = f"{instead}: a config holds no secret, it says where one is"
    return ConfigDict(json_schema_extra={"x-refused": {key: words}})


class DaemonTable(Section):
    """How `arena serve` carries a run out; nothing here changes what is run."""

    speed: Speed = Field(
        default="max",
        description="How fast bars follow each other: at `60x` one of a day takes 24 minutes.",
        json_schema_extra=_LIVE,
    )
    drain_s: float = Field(
        default=10.0,
        ge=0,
        le=3_600,
        description="Most seconds that a stop waits for the tick under way.",
        json_schema_extra=_LIVE,
    )
    socket: PathText = Field(
        default="",
        description="The control socket; left empty, `control.sock` in the run's folder.",
        json_schema_extra=_RESTART,
    )
    disk_reserve_mib: int = Field(
        default=64,
        ge=0,
        le=1_048_576,
        description="Room on the disk below which time stands still until there is more, MiB.",
        json_schema_extra=_LIVE,
    )
    log_level: Annotated[str, *words(LOG_LEVELS)] = Field(
        default="info",
        description="The least that is logged.",
        json_schema_extra=_LIVE,
    )


class LiveTable(Section):
    """From where the daemon has its bars."""

    feed: Literal["replay", "poll"] = Field(
        default="replay",
        description="`replay`: the config's market, bar by bar. `poll`: the files and series of "
        "`[[market.sources]]` are looked at again for bars that have been added.",
        json_schema_extra=_RESTART,
    )
    poll_s: float = Field(
        default=60.0,
        ge=1,
        le=86_400,
        description="Seconds from one look to the next.",
        json_schema_extra=_LIVE,
    )
    download: bool = Field(
        default=False,
        description="Whether each look first downloads what is new to the store.",
        json_schema_extra=_LIVE,
    )


class HttpTable(Section):
    """The HTTP API, the status page and the metrics."""

    model_config = _refusing("token", "token_file")

    enabled: bool = Field(
        default=True,
        description="Whether the daemon serves HTTP at all.",
        json_schema_extra=_RESTART,
    )
    bind: Bind = Field(
        default="127.0.0.1:8420",
        description="Where it listens: this machine only. Port 0 is any that is free.",
        json_schema_extra=_RESTART,
    )
    token_file: SecretFile = Field(
        default="",
        description="A file that holds the token for changes over HTTP, relative to the config "
        "file; left empty, HTTP changes nothing.",
        json_schema_extra=_RESTART,
    )
    hosts: Annotated[tuple[Host, ...], Field(max_length=20)] = Field(
        default=(),
        strict=False,
        description="Host names under which a proxy calls it, beside those of this machine.",
        json_schema_extra=_RESTART,
    )


class NotifyTable(Section):
    """Somebody who is told when something happens.  It needs `url_file` or `url_env`."""

    model_config = _refusing("url", "url_file or url_env")

    kind: Literal["webhook"] = Field(
        default="webhook", description="How: a POST with JSON.", json_schema_extra=_LIVE
    )
    url_file: SecretFile | None = Field(
        default=None,
        description="A file that holds the URL, relative to the config file.",
        json_schema_extra=_LIVE,
    )
    url_env: Variable | None = Field(
        default=None,
        description="The variable of the environment that holds the URL.",
        json_schema_extra=_LIVE,
    )
    on: Annotated[tuple[Annotated[str, *words(OCCASIONS)], ...], Field(min_length=1)] = Field(
        default=OCCASIONS, strict=False, description="Of what.", json_schema_extra=_LIVE
    )
    per_minute: int = Field(
        default=6,
        ge=1,
        le=600,
        description="Most messages in a minute; what is more is counted in the next one.",
        json_schema_extra=_LIVE,
    )
