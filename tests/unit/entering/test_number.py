"""The ledger number of a form: nobody else has it, and it sorts by time."""

import pytest

from service.records.entering import number

NOW = 1_773_500_000_000_000


def test_numbers_differ_and_sort_by_time() -> None:
    numbers = [number.fresh(NOW + place * 1_000_000) for place in range(500)]
    assert sorted(numbers) == numbers
    assert len({number.fresh(NOW) for _ in range(500)}) == 500
    assert all(map(number.is_number, numbers))
    assert {len(one) for one in numbers} == {28}


@pytest.mark.parametrize("text", ["", "L-", "L-1", f"L-{'I' * 26}", f"L-{'0' * 27}", f"X-{'0' * 26}", f"L-{'0' * 26}\n", f"l-{'0' * 26}"])
def test_what_is_no_number(text: str) -> None:
    assert not number.is_number(text)
