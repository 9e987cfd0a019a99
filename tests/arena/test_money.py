"""Money is exact: no unit is lost in text, and none in division."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.exceptions import ValidationError
from arena.money import (
    MONEY_MAX,
    parse_usd,
    render_usd,
    split_largest_remainder,
    to_money,
)
from arena.seed import Seed

amounts = st.integers(-MONEY_MAX, MONEY_MAX)
totals = st.integers(0, MONEY_MAX)
claims = st.lists(st.integers(0, 10**9), min_size=1, max_size=20).filter(any)


def check_split(total: int, weights: dict[int, int]) -> None:
    """Assert what must hold of every division: the sum, and each part within one unit of ideal."""
    parts = split_largest_remainder(total, weights)

    whole = sum(weights.values())
    assert sum(parts.values()) == total
    assert list(parts) == list(weights)
    for key, part in parts.items():
        assert abs(part * whole - total * weights[key]) < whole


@settings(max_examples=300)
@given(totals, claims)
def test_no_division_loses_or_makes_a_unit(total: int, claimed: list[int]) -> None:
    check_split(total, dict(enumerate(claimed)))


@settings(max_examples=100)
@given(st.integers(0, 2**64))
def test_no_division_in_ten_thousand_and_more_loses_or_makes_a_unit(draw: int) -> None:
    rng = Seed(draw).generator()

    for agents in rng.integers(1, 40, 110).tolist():
        weights = rng.integers(1, 10 ** int(rng.integers(1, 10)), agents).tolist()
        check_split(int(rng.integers(0, MONEY_MAX)), dict(enumerate(weights)))


def test_two_hundred_thousand_dollars_divide_among_any_number_of_agents() -> None:
    for agents in range(1, 301):
        check_split(parse_usd(200_000), dict.fromkeys(range(agents), 1))


@given(totals, st.integers(1, 50))
def test_equal_claims_differ_by_a_unit_at_most_and_the_earlier_get_it(total: int, n: int) -> None:
    parts = list(split_largest_remainder(total, dict.fromkeys(range(n), 7)).values())

    assert parts == sorted(parts, reverse=True)
    assert parts[0] - parts[-1] <= 1


def test_a_unit_left_over_goes_to_the_largest_remainder_then_to_the_earlier_key() -> None:
    assert split_largest_remainder(10, {"ada": 1, "bob": 1, "eve": 1}) == {
        "ada": 4,
        "bob": 3,
        "eve": 3,
    }
    assert split_largest_remainder(10, {"ada": 1, "bob": 6, "eve": 2}) == {
        "ada": 1,
        "bob": 7,
        "eve": 2,
    }


@given(totals)
def test_who_claims_nothing_gets_nothing(total: int) -> None:
    parts = split_largest_remainder(total, {"ada": 3, "bob": 0, "eve": 4})

    assert parts["bob"] == 0


@pytest.mark.parametrize(
    ("total", "weights"), [(-1, {"a": 1}), (1, {"a": -1, "b": 2}), (1, {}), (1, {"a": 0})]
)
def test_a_division_without_an_answer_is_refused(total: int, weights: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="cannot split"):
        split_largest_remainder(total, weights)


@given(amounts)
def test_what_is_rendered_reads_back_as_the_same_amount(amount: int) -> None:
    text = render_usd(amount).replace("$", "").replace(",", "")

    assert parse_usd(text) == amount


@given(amounts)
def test_the_text_of_an_amount_is_its_value(amount: int) -> None:
    sign, micro = "-" if amount < 0 else "", abs(amount)
    text = f"{sign}{micro // 1_000_000}.{micro % 1_000_000:06d}"

    assert parse_usd(text) == Fraction(text) * 1_000_000


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "$0.00"),
        (1, "$0.000001"),
        (10_000, "$0.01"),
        (373_261_000_000, "$373,261.00"),
        (-1_234_560_000, "-$1,234.56"),
        (1_234_567, "$1.234567"),
    ],
)
def test_an_amount_is_rendered_as_people_read_it(amount: int, text: str) -> None:
    assert render_usd(amount) == text


@pytest.mark.parametrize(
    ("text", "amount"),
    [("373261.00", 373_261_000_000), ("0.000001", 1), ("-5", -5_000_000), (7, 7_000_000), (0, 0)],
)
def test_plain_decimal_text_and_whole_dollars_are_money(text: str | int, amount: int) -> None:
    assert parse_usd(text) == amount


@pytest.mark.parametrize(
    "text",
    [
        1.5,
        True,
        None,
        "",
        " 1",
        "1 ",
        "1\n",
        "1e3",
        "+1",
        "--1",
        "1,000",
        "$1",
        "1.",
        ".5",
        "0.0000001",
        "nan",
        "inf",
        "0x10",
        "1_000",
        "\u0663",
        "1.\uff15",
        "\u22121",
        "12345678901",
    ],
)
def test_what_is_not_plain_decimal_text_is_not_money(text: object) -> None:
    with pytest.raises(ValidationError, match="decimal text"):
        parse_usd(text)  # type: ignore[arg-type]  # what a config may hold


def test_an_amount_beyond_a_thousand_million_dollars_is_refused() -> None:
    assert parse_usd("1000000000") == MONEY_MAX
    with pytest.raises(ValidationError, match="at most 1000000000 dollars"):
        parse_usd("1000000000.000001")


def test_a_position_is_worth_its_nearest_unit_and_halves_go_to_the_even_one() -> None:
    assert [to_money(usd) for usd in (0.0000005, 0.0000015, 0.0000025, -0.0000005)] == [0, 2, 2, 0]
    assert to_money(0.1 + 0.2) == 300_000
