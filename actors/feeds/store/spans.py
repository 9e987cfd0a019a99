"""Spans of time, half-open: what was asked for and answered, and what is left of a wish."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Span(NamedTuple):
    """From `start` up to but not including `end`, milliseconds since 1970."""

    start: int
    end: int


def union(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return the same time as few spans, in order; those that touch become one."""
    joined: list[Span] = []
    for start, end in sorted(span for span in spans if span.start < span.end):
        if joined and start <= joined[-1].end:
            joined[-1] = Span(joined[-1].start, max(end, joined[-1].end))
        else:
            joined.append(Span(start, end))
    return tuple(joined)


def subtract(wanted: Span, covered: Iterable[Span]) -> tuple[Span, ...]:
    """Return the parts of `wanted` that are not in `covered`, in order."""
    left, at = [], wanted.start
    for start, end in union(covered):
        if start >= wanted.end:
            break
        if at < start:
            left.append(Span(at, start))
        at = max(at, end)
    if at < wanted.end:
        left.append(Span(at, wanted.end))
    return tuple(left)
