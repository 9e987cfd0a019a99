"""Taking over a config that has changed, while the run goes on.

What is about the daemon alone changes at once.  What is about the rules of the game waits until the
cycle under way has ended: whoever was judged by the old rules was judged by them to the end.
"""

from __future__ import annotations

import logging
from typing import Any

import structlog

from actors.app.arena import Arena
from actors.app.bootstrap import Start
from actors.app.control.errors import Code, ControlError
from actors.app.daemon.life import Life
from actors.app.daemon.opening import Opened
from actors.app.daemon.reload import Change, ReloadPlan, plan_reload, plan_rules
from actors.app.daemon.status import State
from actors.app.experiment import downloader_of
from actors.app.forks import pass_reload
from actors.app.log import set_level
from actors.app.settings import Settings
from actors.journal.reader import open_run
from arena.commands import OnBehalf
from arena.exceptions import ValidationError
from arena.words import Action

log = structlog.wrap_logger(logging.getLogger(__name__))


BEFORE_IT_GOES_ON = frozenset({State.STARTING, State.CATCHING_UP})
"""While it does again what is on record, no other rules can be waited for."""


class Reloading:
    """Reads the config of one daemon again."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._asked = ("arena serve", "the config had changed when the daemon started")
        self._from_cycle = 0

    def begin(self, arena: Arena, changed: tuple[Change, ...]) -> None:
        """Wait for the end of a cycle to take over what the config says and the run does not."""
        if changed:
            self._wait_for_cycle(arena, [each.key for each in changed])

    def read_again(self, by: str, reason: str, *, dry_run: bool) -> dict[str, Any]:
        """Read the config again and take over what it says, or nothing of it.

        Args:
            by: Who asks for it.
            reason: Why.
            dry_run: Only say what would be taken over.

        Returns:
            `accepted`, `changed` (key, before, after, reload), `refused` (key, why), `pending`.

        Raises:
            ControlError: The run has not caught up with its record, or is about to end.
        """
        life = self._life
        arena, opened = life.arena, life.opened
        if life.stopping:
            raise ControlError(Code.DRAINING, "the daemon is about to end; nothing was changed")
        if arena is None or opened is None or life.state in BEFORE_IT_GOES_ON:
            raise ControlError(Code.NOT_RUNNING, "the run is not open yet; nothing was changed")
        life.face.manager.reloading()
        try:
            return self._read_again(arena, opened, by, reason, dry_run=dry_run)
        finally:
            life.face.manager.ready()

    def _read_again(
        self, arena: Arena, opened: Opened, by: str, reason: str, *, dry_run: bool
    ) -> dict[str, Any]:
        life = self._life
        plan = self._plan(arena, opened)
        if plan.settings is not None and not dry_run:
            plan = self._take_over(arena, opened, plan, plan.settings)
            self._asked = by, reason
            keys = ", ".join(plan.live)
            life.diary.append(("reloaded", {"by": by, "reason": reason, "at_once": keys}))
        told = {**plan.plain(), "pending": [*life.pending], "dry_run": dry_run}
        if told["accepted"]:
            word = "reload_rehearsed" if dry_run else "reload"
            log.info(word, by=by, keys=[*plan.live, *plan.next_cycle])
        else:
            whys = [why if key in why else f"{key}: {why}" for key, why in plan.refused]
            log.warning("reload_refused", by=by, refused=whys)
        return told

    def _plan(self, arena: Arena, opened: Opened) -> ReloadPlan:
        serving = self._life.serving
        with open_run(serving.folder) as run:
            return plan_reload(
                run,
                self._life.settings,
                serving.config,
                serving.overrides,
                experiment=arena.experiment,
                loaded=opened.loaded,
            )

    def _take_over(
        self, arena: Arena, opened: Opened, plan: ReloadPlan, settings: Settings
    ) -> ReloadPlan:
        """Let what is live be in effect, and the rest wait."""
        try:
            downloader = downloader_of(settings, self._life.serving.config.parent)
            self._life.notifier.replace(settings.notify)
        except ImportError as error:
            return ReloadPlan(plan.changed, (("live.download", str(error)),))
        except ValidationError as error:
            return ReloadPlan(plan.changed, (("notify", str(error)),))
        if opened.source is not None:
            opened.source.downloader = downloader
        self._life.settings = settings
        self._life.set_speed(settings.daemon.speed)
        set_level(settings.daemon.log_level)
        rules = [*plan.rules.changes] if plan.rules is not None else []
        self._wait_for_cycle(arena, rules)
        self._life.inbox.wake()
        return plan

    def _wait_for_cycle(self, arena: Arena, keys: list[str]) -> None:
        self._life.pending, self._from_cycle = keys, arena.treasury.cycle

    async def pass_if_due(self, arena: Arena, opened: Opened) -> Start | None:
        """Put rules that wait on record once a cycle has ended; return where the run goes on.

        `arena` is of no use after that: another one goes on, under these rules.
        """
        if not self._life.pending or arena.treasury.cycle <= self._from_cycle:
            return None
        with open_run(self._life.serving.folder) as run:
            rules = plan_rules(run, self._life.settings, arena.experiment, opened.loaded)
        self._life.pending = []
        if rules is None:
            return None
        by, reason = self._asked
        name = f"config/{arena.treasury.seq}"  # No request has an id like that.
        await arena.send(
            OnBehalf(command_id=name, by=by, reason=reason, action=Action.RELOAD, command=None)
        )
        log.info("rules_changed", by=by, keys=[*rules.changes])
        return await pass_reload(arena, rules.changes, rules.manifest)
