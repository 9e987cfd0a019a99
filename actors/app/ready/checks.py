"""What a system that is ready must have done, and what it did: a line each.

Nothing here measures: it compares what the trial found with what was asked of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from actors.app.ready.found import Check, Trial
from arena.money import render_usd


def judge(trial: Trial) -> tuple[Check, ...]:
    """Return what holds of the system and what does not."""
    return tuple(
        check for kind in (_of_the_run, _of_the_kill, _of_the_record) for check in kind(trial)
    )


def _of_the_run(trial: Trial) -> Iterator[Check]:
    counts, trades = trial.counts, trial.trades
    refused = trades.total - trades.successful
    born, due = counts["AgentSpawned"], trial.days // trial.cycle_days
    cycles = counts["EvolutionCycleComplete"]
    yield Check(
        "agents spawned", f"at least {trial.agents}", f"{born}", passed=born >= trial.agents
    )
    settled = counts["TickSettled"]
    yield Check("days settled", f"{trial.days}", f"{settled}", passed=settled == trial.days)
    yield Check(
        "trades executed in simulation",
        "at least 1",
        f"{trades.successful} for {render_usd(trades.notional)}, {refused} refused",
        passed=trades.successful > 0,
    )
    yield Check(
        "evolution cycles",
        f"{due}, none broken",
        f"{cycles}, {counts['EvolutionFailed']} broken",
        passed=cycles == due and not counts["EvolutionFailed"],
    )
    yield Check(
        "losers killed, winners mutated",
        "at least 1 of each",
        f"{counts['AgentKilled']} killed, {counts['AgentMutated']} mutants",
        passed=counts["AgentKilled"] > 0 and counts["AgentMutated"] > 0,
    )


def _of_the_kill(trial: Trial) -> Iterator[Check]:
    day, seq = trial.killed_at
    yield Check(
        "killed on its way",
        f"with SIGKILL, before day {trial.days}",
        f"on day {day} or later, after entry {seq}",
        passed=0 < day < trial.days,
    )
    yield Check(
        "resumed where it was",
        f"at day {day} or later",
        f"at day {trial.resumed_at}",
        passed=trial.resumed_at >= day,
    )
    undisturbed, said = (trial.backtest["events"], trial.backtest["head"]), tuple(trial.said)
    yield Check(
        "the kill left no trace",
        "the head of a run without daemon and kill",
        "the same" if said == undisturbed else f"{said}, not {undisturbed}",
        passed=said == undisturbed,
    )
    yield Check(
        "SIGTERM", "exit code 0", f"exit code {trial.exit_code}", passed=trial.exit_code == 0
    )


def _of_the_record(trial: Trial) -> Iterator[Check]:
    proof, (audits, balanced) = trial.proof, trial.audits
    logged = sum(trial.counts.values())
    yield Check(
        "all events logged",
        f"{trial.said.seq}, the last entry that the daemon named",
        f"{logged}, without a gap",
        passed=logged == trial.said.seq > 0,
    )
    findings = [str(found) for found in proof.findings] if proof is not None else ["no proof"]
    yield Check(
        "chain, rows and state verified, from the disk",
        "nothing found",
        "; ".join(findings[:3]) or f"nothing in {logged} entries",
        passed=not findings,
    )
    yield Check(
        "capital conserved",
        "both books sum to 0 at every audit",
        f"at {balanced} of {audits} audits; {render_usd(trial.capital.get('total', 0))} in the end",
        passed=audits == balanced > 0 and _sums_to_zero(trial),
    )


def _sums_to_zero(trial: Trial) -> bool:
    treasury = None if trial.proof is None else trial.proof.treasury
    if treasury is None:
        return False
    return all(sum(accounts.values()) == 0 for accounts in treasury.books.values())
