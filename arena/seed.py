"""Randomness as a value: a seed is split by label, never advanced.

Two consumers with different labels never share a stream, and the order in which they draw cannot
change what either of them sees.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Seed:
    """A point in the tree of seeds that grows from one root.

    Attributes:
        value: 128 bits; the root's is the number in the config.
    """

    value: int

    def child(self, label: str, *keys: int | str) -> Seed:
        """Return the seed that `label` and `keys` name under this one."""
        name = label.encode("unicode_escape").decode()  # No label can hold the separator.
        text = "\x1f".join((str(self.value), name, *map(repr, keys)))
        return Seed(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big"))

    def generator(self) -> np.random.Generator:
        """Return a fresh numpy generator; each call starts the same stream again."""
        return np.random.Generator(np.random.PCG64(self.value))

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """Return `items` in a random order that this seed decides."""
        return [items[i] for i in self.generator().permutation(len(items))]
