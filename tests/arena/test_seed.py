"""Randomness is a value: what one consumer draws, no other consumer can change."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.seed import Seed

ROOT = Seed(7)

keys = st.lists(st.integers() | st.text(max_size=4), max_size=3).map(tuple)
names = st.tuples(st.text(alphabet="ab\x1f\\'\"1é", max_size=5), keys)


def test_a_child_is_the_same_number_on_every_machine_and_in_every_release() -> None:
    assert ROOT.child("mutate", 3, "a-001").value == 0x55411CD09C9AC4FFF83B2CF0B5E02D86
    assert ROOT.child("market").generator().integers(0, 1_000, 4).tolist() == [461, 270, 948, 739]


def test_the_order_of_drawing_changes_nothing() -> None:
    ada, bob = ROOT.child("agent", "ada"), ROOT.child("agent", "bob")

    ada_first = (ada.generator().random(5).tolist(), bob.generator().random(5).tolist())
    bob_first = (bob.generator().random(5).tolist(), ada.generator().random(5).tolist())

    assert ada_first == bob_first[::-1]


def test_a_generator_starts_the_same_stream_again() -> None:
    seed = ROOT.child("noise")

    assert seed.generator().random(3).tolist() == seed.generator().random(3).tolist()


def test_the_streams_of_siblings_have_nothing_in_common() -> None:
    streams = [ROOT.child("agent", n).generator().normal(size=2_000) for n in range(6)]

    for one, other in combinations(streams, 2):
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.1


@given(names, names)
def test_two_names_are_one_child_only_if_they_are_one_name(
    one: tuple[str, tuple[int | str, ...]], other: tuple[str, tuple[int | str, ...]]
) -> None:
    children = ROOT.child(one[0], *one[1]), ROOT.child(other[0], *other[1])

    assert (children[0] == children[1]) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a\x1f1",), ("a", 1)),
        (("a\x1f'b'",), ("a", "b")),
        (("a", "1"), ("a", 1)),
        (("a", 1, 2), ("a", 12)),
        (("a", "b\x1f'c'"), ("a", "b", "c")),
        (("a\\x1f1",), ("a\x1f1",)),
    ],
)
def test_a_separator_inside_a_name_cannot_forge_another_name(
    one: tuple[str, ...], other: tuple[str, ...]
) -> None:
    assert ROOT.child(*one) != ROOT.child(*other)


def test_a_grandchild_is_not_a_child_with_two_keys() -> None:
    assert ROOT.child("a").child("b") != ROOT.child("a", "b")


@given(st.lists(st.integers()), st.integers(0, 2**128 - 1))
def test_shuffling_loses_nothing_and_repeats_itself(items: list[int], value: int) -> None:
    before = list(items)

    shuffled = Seed(value).shuffled(items)

    assert sorted(shuffled) == sorted(before)
    assert shuffled == Seed(value).shuffled(items)
    assert items == before
