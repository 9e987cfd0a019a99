"""Why a ranked agent of the arena has its target: its rank, its tier's part, what limits it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from actors.app.explaining.checks import above, below, usd
from actors.app.explaining.decision import Decision
from actors.app.explaining.walk import Caused
from arena.agents import Agent
from arena.decisions.allocation import Division, move_of, smallest_move
from arena.events import CapitalAllocated, CapitalReturned
from arena.policies import Target, limit_targets, rank
from arena.policies.policy import BPS, bounds_of
from arena.rules import AllocationRules
from arena.treasury import Treasury


def explain_rank(
    caused: Caused, blank: Decision, treasury: Treasury, agent: Agent, division: Division
) -> Decision:
    """Explain a ranked agent's target, and what was moved towards it."""
    rules = treasury.experiment.rules.allocation
    place = [one.candidate.agent_id for one in division.targets].index(agent.agent_id)
    target = division.targets[place]
    paid = [*caused.of(CapitalAllocated, agent.agent_id)]
    back = [*caused.of(CapitalReturned, agent.agent_id)]
    received = sum(event.amount for _, event in paid)
    returned = sum(event.amount for _, event in back)
    change, move = target.amount - agent.equity, move_of(target, rules)
    outcome, said = _outcome(change, move, received, returned)
    numbers = _numbers(division, place, rules) | {"moved": received - returned}
    least = numbers["smallest_move"]
    return replace(
        blank,
        seq=[seq for seq, _ in (*paid, *back)][-1] if paid or back else blank.seq,
        changed=bool(paid or back),
        outcome=outcome,
        said=said,
        numbers=numbers,
        facts=(
            *_facts(division, place, numbers, rules),
            ("move", _say_move(change, least, received)),
        ),
        flip=_flip(treasury, division, place, max(least - abs(change), 0) if not move else 0),
    )


def _numbers(division: Division, place: int, rules: AllocationRules) -> dict[str, Any]:
    """Return what a target is made of, sums in micro-USD."""
    target, wanted = division.targets[place], division.wanted[place]
    balance = target.candidate.balance
    members = [one for one in division.wanted if one.tier is wanted.tier]
    return {
        "rank": place + 1,
        "ranked": len(division.targets),
        "fitness": target.candidate.fitness,
        "tier": str(wanted.tier),
        "shared": division.shared,
        "pot": sum(one.amount for one in members),
        "members": len(members),
        "part": wanted.amount,
        "bounds": bounds_of(balance, division.capital, rules),
        "limits": target.limits,
        "target": target.amount,
        "balance": balance,
        "smallest_move": smallest_move(balance, rules),
    }


def _facts(
    division: Division, place: int, numbers: dict[str, Any], rules: AllocationRules
) -> Iterator[tuple[str, str]]:
    """Yield the same for people: fitness with the decimals that ranks are decided by."""
    target, fitness, tier = division.targets[place], numbers["fitness"], numbers["tier"]
    yield "rank", f"{numbers['rank']} of {numbers['ranked']}, so {tier}"
    yield "fitness", "not known yet" if fitness is None else f"{fitness:.6f}"
    yield "shared", f"{usd(numbers['shared'])} by all that are ranked"
    yield tier, f"{usd(numbers['pot'])} of that, by {numbers['members']}"
    yield "part", f"{usd(numbers['part'])} each"
    for limit in target.limits:
        yield limit, _say_limit(limit, numbers["bounds"], target, rules)
    yield "target", usd(target.amount)
    yield "balance", usd(numbers["balance"])


def _outcome(change: int, move: int, received: int, returned: int) -> tuple[str, str]:
    """Return the outcome in one word and in words."""
    if not change:
        return "unchanged", "it has what it should have"
    if not move:
        return "skipped", "its capital stays: the move would be too small"
    if move > 0 and not received:
        return "unfunded", f"it should have received {usd(move)}; the pool was empty"
    if move > 0:
        short = ", all that the pool held" if received < move else ""
        return "increase", f"it received {usd(received)}{short}"
    costs = -move - returned
    after = f", and the sales cost {usd(costs)}" if costs else ""
    return "decrease", f"it gave back {usd(returned)}{after}"


def _say_move(change: int, least: int, received: int) -> str:
    way = f"{usd(abs(change))} {'up' if change > 0 else 'down'}"
    made = "made" if abs(change) >= least else "skipped"
    if change > received and abs(change) >= least:
        made = f"made with {usd(received)}"
    return f"{way}: {made}; the smallest that is made is {usd(least)}"


def _say_limit(limit: str, bounds: dict[str, int], target: Target, rules: AllocationRules) -> str:
    """Return what a limit did to the target."""
    most = f"at most {usd(bounds.get(limit, 0))}, "
    match limit:
        case "per_agent":
            return f"{most}{rules.per_agent_bp / BPS:.0%} of the arena's capital"
        case "growth":
            return f"{most}{rules.growth_max} times its balance"
        case "stint_drawdown":
            return f"halved: its stint fell below {rules.penalty_drawdown:.0%} since its peak"
        case "per_family":
            share = f"{rules.per_family_bp / BPS:.0%} of the arena's capital"
            return f"cut back: at most {share} for all of {target.candidate.family}"
        case _:
            return f"it asked for {usd(target.candidate.requested or 0)} at most"


def _flip(treasury: Treasury, division: Division, place: int, short: int) -> str:
    """Return what would have moved a skipped move, and whose place had another tier."""
    own = division.wanted[place]
    better = [one for one in division.wanted[:place] if one.tier is not own.tier]
    worse = [one for one in division.wanted[place:] if one.tier is not own.tier]
    parts = []
    if short:
        parts.append(f"a target {usd(short)} farther off would have been moved to")
    if better:
        parts.append(_other_tier(treasury, division, own, better[-1], math.inf))
    elif worse:
        parts.append(_other_tier(treasury, division, own, worse[0], -math.inf))
    return "; ".join(part for part in parts if part)


def _other_tier(
    treasury: Treasury, division: Division, own: Target, rival: Target, towards: float
) -> str:
    """Return what `own` had been with a fitness just beyond that of `rival`, as the policy says."""
    bar = rival.candidate.fitness
    if bar is None:
        return ""
    rules = treasury.experiment.rules.allocation
    moved = replace(own.candidate, fitness=math.nextafter(bar, towards))
    others = [one.candidate for one in division.wanted if one is not own]
    targets = limit_targets(
        treasury.experiment.policy(rank([*others, moved]), division.shared, rules),
        capital=division.capital,
        family_used=division.held,
        rules=rules,
    )
    then = next(one for one in targets if one.candidate is moved)
    if then.tier is own.tier:
        return ""
    told = (above if towards > 0 else below)(bar, own.candidate.fitness)
    fitness = f"a fitness {'above' if towards > 0 else 'below'} {told} ({rival.candidate.agent_id})"
    return f"with {fitness} it would have been {then.tier}, with a target of {usd(then.amount)}"
