"""The metrics by name: what each counts, in which unit.  `docs/reference/metrics.md` is this list.

The rule: no label holds the name of an agent, so the number of series does not grow with the run.
What has a unit says so in its name; what only ever grows ends in `_total`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["gauge", "counter", "histogram"]


class Spec(NamedTuple):
    """One metric.

    Attributes:
        name: As Prometheus shows it.
        kind: What it is.
        unit: Of its values.
        meaning: One line.
        labels: What its series are told apart by.
    """

    name: str
    kind: Kind
    unit: str
    meaning: str
    labels: tuple[str, ...] = ()


OF_THE_RUN = (
    Spec("arena_events_total", "counter", "events", "Events on record.", ("type",)),
    Spec("arena_event_seq", "gauge", "seq", "Last entry of the journal that was read."),
    Spec("arena_follower_behind", "gauge", "entries", "Entries on record that were not read yet."),
    Spec("arena_sim_time_seconds", "gauge", "Unix seconds", "Close of the last settled bar."),
    Spec("arena_tick", "gauge", "ticks", "Bars settled."),
    Spec("arena_cycle", "gauge", "cycles", "Cycles run."),
    Spec("arena_completed", "gauge", "0 or 1", "Whether the last bar has been settled."),
    Spec(
        "arena_agents", "gauge", "agents", "Who competes; no baselines.", ("layer", "tier", "state")
    ),
    Spec("arena_quarantined_agents", "gauge", "agents", "Who failed too often."),
    Spec(
        "arena_capital_micro",
        "gauge",
        "micro-USD",
        "Balance of an account; those of all agents are one, `agents`.",
        ("book", "account"),
    ),
    Spec(
        "arena_ledger_imbalance_micro",
        "gauge",
        "micro-USD",
        "Sum of all accounts of a book: 0, or money appeared or vanished.",
        ("book",),
    ),
    Spec("arena_halted", "gauge", "0 or 1", "Whether trading is stopped.", ("scope",)),
    Spec(
        "arena_agent_failures_total", "counter", "failures", "Steps that broke, by kind.", ("kind",)
    ),
    Spec("arena_kills_total", "counter", "agents", "Who was ended, by rule.", ("rule",)),
    Spec("arena_graduations_total", "counter", "agents", "Who rose, by where to.", ("to",)),
    Spec("arena_gate_failures_total", "counter", "checks", "Checks not passed.", ("gate",)),
)
"""Read from the journal: they are there for a stored run too."""

OF_THE_WRITER = (
    Spec("arena_writer_up", "gauge", "0 or 1", "Whether the writer answered within 5 s."),
    Spec(
        "arena_writer_answer_age_seconds",
        "gauge",
        "seconds",
        "Since the writer last answered.",
    ),
    Spec("arena_ready", "gauge", "0 or 1", "What `/readyz` says."),
    Spec("arena_state", "gauge", "0 or 1", "What the daemon does.", ("state",)),
    Spec("arena_panic", "gauge", "0 or 1", "Whether an emergency stop is in force."),
    Spec("arena_paused", "gauge", "0 or 1", "Whether an operator stopped the clock."),
    Spec("arena_uptime_seconds", "gauge", "seconds", "Since the daemon began."),
    Spec("arena_sim_lag_seconds", "gauge", "seconds", "How far the clock is behind its pace."),
    Spec("arena_allocator_queue_depth", "gauge", "messages", "What waits for the allocator."),
    Spec("arena_mailbox_depth", "gauge", "messages", "What waits in all mailboxes."),
    Spec("arena_mailbox_capacity", "gauge", "messages", "What all mailboxes hold."),
    Spec(
        "arena_mailbox_fill_ratio",
        "gauge",
        "0 to 1",
        "Of the fullest lane of the allocator and the desk.",
    ),
    Spec("arena_dead_letters_total", "counter", "messages", "What nobody handled."),
    Spec("arena_agents_running", "gauge", "actors", "Agents with a task of their own."),
    Spec("arena_step_overruns_total", "counter", "steps", "Steps longer than their budget."),
    Spec("arena_agent_step_seconds", "histogram", "seconds", "What a step of a strategy took."),
    Spec("arena_commit_seconds", "histogram", "seconds", "What a commit took."),
    Spec("arena_commit_age_seconds", "gauge", "seconds", "Since the last commit."),
    Spec(
        "arena_last_snapshot_age_seconds",
        "gauge",
        "seconds",
        "Since the last snapshot; since the daemon began, where it made none.",
    ),
    Spec("arena_db_bytes", "gauge", "bytes", "Size of the run's database."),
    Spec("arena_wal_bytes", "gauge", "bytes", "Size of its write-ahead log."),
    Spec("arena_web_restarts_total", "counter", "restarts", "Of the process that serves HTTP."),
    Spec("arena_pending_reload_keys", "gauge", "keys", "Changes of the config not in effect yet."),
)
"""Asked from the writer; for a stored run only the first two are there."""

SPECS = (*OF_THE_RUN, *OF_THE_WRITER)
