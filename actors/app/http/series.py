"""Series, thinned: fewer points that show the same shape.

Largest-Triangle-Three-Buckets keeps the first and the last point, divides the rest into buckets of
equal size, and keeps of each bucket the point that spans the largest triangle with the point kept
before it and the mean of the bucket after it.

Source: S. Steinarsson, "Downsampling Time Series for Visual Representation", 2013, section 4.2.
"""

from __future__ import annotations

from collections.abc import Sequence

Point = tuple[float, float]


def lttb(points: Sequence[Point], most: int) -> list[int]:
    """Return which of `points` to keep, ascending.

    Args:
        points: (x, y), x ascending; finite numbers.
        most: How many at most, >= 2.

    Returns:
        All of them where they are no more than `most`; else `most`, with the first and the last.

    Raises:
        ValueError: `most` is less than 2.
    """
    if most < 2:
        raise ValueError(f"a series keeps two points at least, not {most}")
    n = len(points)
    if n <= most:
        return [*range(n)]
    kept = [0]
    edges = [1 + (n - 2) * bucket // (most - 2) for bucket in range(most - 1)] if most > 2 else []
    for start, end, after in zip(edges, edges[1:], [*edges[2:], n], strict=False):
        mean = _mean(points[end:after])
        base = points[kept[-1]]
        kept.append(max(range(start, end), key=lambda row: _area(base, points[row], mean)))
    return [*kept, n - 1]


def _mean(points: Sequence[Point]) -> Point:
    n = len(points)
    return sum(x for x, _ in points) / n, sum(y for _, y in points) / n


def _area(one: Point, two: Point, three: Point) -> float:
    """Return twice the area of a triangle."""
    return abs((one[0] - three[0]) * (two[1] - one[1]) - (one[0] - two[0]) * (three[1] - one[1]))
