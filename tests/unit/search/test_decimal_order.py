"""Text that sorts like numbers."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from service.search.types.decimal_order import FIRST, LAST, just_above, just_below, ordered

numbers = st.decimals(allow_nan=False, allow_infinity=False, min_value=Decimal("-1e20"), max_value=Decimal("1e20")) | st.integers(
    -50, 50
).map(lambda number: Decimal(number).scaleb(-1))


@given(numbers, numbers)
def test_text_sorts_as_the_numbers_do(one: Decimal, other: Decimal) -> None:
    assert (ordered(one) < ordered(other)) == (one < other)
    assert (ordered(one) == ordered(other)) == (one == other)
    assert FIRST < ordered(one) < LAST


@given(numbers, numbers)
def test_open_ends_lie_between_a_number_and_its_neighbours(one: Decimal, other: Decimal) -> None:
    assert just_below(one) < ordered(one) < just_above(one)
    if other < one:
        assert ordered(other) < just_below(one)
    if other > one:
        assert ordered(other) > just_above(one)
