"""Events in plain words: what happened, to whom, with the numbers."""

from __future__ import annotations

from actors.app.explaining.checks import check, name_of, say_margin, say_threshold, say_value, usd
from arena import events as e
from arena.rules import Condition
from arena.words import Layer, Metrics

_SHOWN = ("fitness", "sharpe", "total_return", "drawdown", "age")
"""Metrics that a rise is told with."""


def say(event: e.Event, about: str | None = None) -> str:  # noqa: C901, PLR0911, PLR0912 - one each
    """Return what `event` says; of a settled tick, also what it was for the agent `about`."""
    match event:
        case e.ArenaOpened():
            shares = (
                f"{usd(event.reserve)} are kept, {usd(event.proving)} are for"
                f" proving, {usd(event.arena)} for the arena"
            )
            return f"the arena {event.name!r} was opened: {shares}"
        case e.TickSettled():
            return _say_tick(event, about)
        case e.CapitalRequested():
            amount = "no limit" if event.amount is None else f"at most {usd(event.amount)}"
            return f"{event.agent_id} said how much it could use: {amount}"
        case e.EvolutionCycleComplete():
            return _say_cycle(event)
        case e.EvolutionFailed():
            return f"cycle {event.cycle} was dropped: its step {event.step} broke ({event.message})"
        case e.CapitalConservationCheck():
            agree = "agree" if event.rows_agree else "do NOT agree"
            sums = f"real {usd(event.real_sum)}, virtual {usd(event.virtual_sum)}"
            return f"the books were audited: {sums}; state and ledger {agree}"
        case e.AllocationError():
            return _say_refusal(event)
        case e.TradingHalted():
            fall = "" if event.drawdown is None else f", the fund had fallen {event.drawdown:.1%}"
            mode = "" if event.mode is None else f", {event.mode.replace('_', '-')}"
            return f"trading was halted ({event.scope}{mode}): {event.reason}{fall}"
        case e.TradingResumed():
            return f"trading was resumed ({event.scope}): {event.reason}"
        case e.OpeningsPaused():
            fall = f"the fund had fallen {event.drawdown:.1%}"
            return f"positions could only be given up ({event.scope}): {fall}"
        case e.OpeningsResumed():
            fall = f"the fund was {event.drawdown:.1%} from its peak"
            return f"positions could be taken on again ({event.scope}): {fall}"
        case e.ProtocolConfigured():
            share = "" if event.share_bp is None else f", at most {event.share_bp} basis points"
            return f"{event.protocol} was switched {'on' if event.enabled else 'off'}{share}"
        case e.PositionLimitSet():
            most = "no limit" if event.most is None else f"at most {usd(event.most)}"
            return f"for a position in {event.instrument} was set: {most}"
        case e.StrategyChecked():
            failed = ", ".join(name for name, passed in event.checks.items() if not passed)
            became = f"did NOT pass the gate: {failed}" if failed else "passed the gate"
            return f"{event.strategy} {became}"
        case e.NoteRecorded():
            return f"somebody made a note: {event.kind}"
        case e.OperatorActed():
            why = f": {event.reason}" if event.reason else ""
            return f"{event.by} had it done, {event.action.replace('_', '-')}{why}"
        case e.RunForked():
            changes = ", ".join(f"{key} = {value}" for key, value in event.changes.items())
            return f"the run was forked after seq {event.parent_seq}: {changes or 'no change'}"
        case e.RunCompleted():
            return f"the run was complete: {event.ticks} days, {event.cycles} cycles"
        case _:
            return f"{event.agent_id} {say_of_agent(event)}"


def say_of_agent(event: e.Event) -> str:  # noqa: C901, PLR0911, PLR0912 - one each
    """Return what an event about one agent says of it, without its name."""
    match event:
        case e.AgentSpawned():
            return _say_birth(event)
        case e.AgentMutated():
            changes = ", ".join(f"{name} {a} -> {b}" for name, (a, b) in event.changes.items())
            return f"is a mutant of {event.parent}: {changes or 'nothing changed'}"
        case e.TradeSubmitted():
            return f"was to trade {event.quantity:g} {event.instrument}: order {event.order_id}"
        case e.CapitalAllocated():
            return f"received {usd(event.amount)} from {event.source}: {event.reason}"
        case e.CapitalReturned():
            return f"gave {usd(event.amount)} back to {event.target}: {event.reason}"
        case e.PositionsReduced():
            sold = f"had to sell {_many(len(event.fills), 'position')}"
            costs = usd(sum(fill.costs for fill in event.fills))
            return f"{sold}, which cost {costs}: {event.reason}"
        case e.AgentGraduated():
            met = f"it met the rule {event.rule}"
            return f"rose from {event.from_layer} to {event.to_layer}: {met}{_met(event.metrics)}"
        case e.AgentDemoted():
            why = f"{event.rule}{_met(event.metrics)}"
            return f"went back from {event.from_layer} to {event.to_layer}: {why}"
        case e.AgentKilled():
            return _say_death(event)
        case e.AgentFailed():
            return f"broke on day {event.tick}: {event.kind}: {event.message}"
        case e.AgentQuarantined():
            return f"was quarantined on day {event.tick} after {_many(event.failures, 'failure')}"
        case e.AgentPaused():
            return f"was paused on day {event.tick}"
        case e.AgentUnpaused():
            return f"went on, after its pause, on day {event.tick}"
        case _:
            raise TypeError(f"{type(event).__name__} is not about one agent")


def _many(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def _met(metrics: Metrics) -> str:
    known = [check(Condition(name, ">", 0.0), metrics) for name in _SHOWN]
    return f" ({', '.join(f'{name_of(one.metric)} {say_value(one)}' for one in known)})"


def _say_birth(event: e.AgentSpawned) -> str:
    money = f"{usd(event.virtual_capital)} of play money"
    if event.baseline:
        return f"was set up as a baseline with {money}"
    whose = f"a mutant of {', '.join(event.parents)}" if event.parents else "fresh"
    return f"was born: {event.strategy}, {whose}, generation {event.generation}, with {money}"


def _say_death(event: e.AgentKilled) -> str:
    found = [check(Condition(*each), event.metrics) for each in event.thresholds]
    facts = " and ".join(
        f"{name_of(one.metric)} {say_value(one)} {say_threshold(one)}, by {say_margin(one)}"
        for one in found
    )
    return f"was ended in {event.layer} by the rule {event.rule}{facts and f': {facts}'}"


def _say_refusal(event: e.AllocationError) -> str:
    amount = "" if event.amount is None else f" of {usd(event.amount)}"
    whom = "" if event.agent_id is None else f" for {event.agent_id}"
    detail = f" ({event.detail})" if event.detail else ""
    return f"{event.command}{amount}{whom} was refused: {event.reason}{detail}"


def _say_tick(event: e.TickSettled, about: str | None) -> str:
    trades = f"{_many(len(event.fills), 'trade')}, {_many(len(event.refused), 'refused order')}"
    said = f"day {event.tick} was settled: {trades}"
    for settled in (event.real, event.virtual):
        if about in settled.agents:
            row = [str(each) for each in settled.agents].index(str(about))
            fitness = settled.fitness[row]
            score = "not known yet" if fitness is None else f"{fitness:.2f}"
            pnl = usd(settled.pnl[row])
            said += f"; {about} made {pnl}, NAV {settled.nav[row]:.6f}, fitness {score}"
    return said


def _say_cycle(event: e.EvolutionCycleComplete) -> str:
    up = [layer for _, layer in event.graduations]
    counts = (
        (len(event.deaths), "death"),
        (len(event.demotions), "demotion"),
        (up.count(Layer.PROVING), "seat"),
        (up.count(Layer.ARENA), "entry"),
        (len(event.births), "birth"),
    )
    told = ", ".join(_many(count, thing).replace("entrys", "entries") for count, thing in counts)
    return f"cycle {event.cycle} was complete: {told}"
