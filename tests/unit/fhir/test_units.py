"""Units: exact conversion, what is commensurable, and what somebody meant."""

import re
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest
import ucumvert
from hypothesis import assume, given
from hypothesis import strategies as st
from ucumvert import xml_util
from ucumvert.parser import InvalidUcumError, get_ucum_parser, parse_ucum

from service.fhir.units import Incommensurable, UnknownUnit, canonical, convert, rounded, suggestion, unit

CONVERSIONS = [
    ("0.05", "g", "mg", "50"),
    ("50", "mg", "g", "0.05"),
    ("1", "[lb_av]", "kg", "0.45359237"),
    ("70", "[in_i]", "cm", "177.8"),
    ("98.6", "[degF]", "Cel", "37"),
    ("37", "Cel", "[degF]", "98.6"),
    ("0", "Cel", "K", "273.15"),
    ("-40", "[degF]", "Cel", "-40"),
    ("36.6", "Cel{oral}", "Cel", "36.6"),
    ("120", "mm[Hg]", "kPa", "15.99864"),
    ("0.5", "mg/kg/h", "ug/kg/min", "25/3"),
    ("60", "{beats}/min", "/s", "1"),
    ("60", "/min", "{breaths}/min", "60"),
    ("250", "10*3/uL", "10*9/L", "250"),
    ("1", "mL{blood}", "cm3", "1"),
    ("45", "%", "1", "0.45"),
    ("1", "[ppth]", "%", "0.1"),
    ("2", "h", "min", "120"),
    ("1", "wk", "d", "7"),
    ("2", "/m/s", "/(m.s)", "2"),
    ("3", "k[iU]", "[IU]", "3000"),
    ("1", "N/m2", "Pa", "1"),
    ("1", "eV", "J", "1.602176634e-19"),
    ("10", "dB", "B", "1"),
]


@pytest.mark.parametrize(("value", "from_code", "to_code", "expected"), CONVERSIONS)
def test_values_are_converted_exactly(value: str, from_code: str, to_code: str, expected: str) -> None:
    assert convert(Decimal(value), from_code, to_code) == Fraction(expected)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("mg", "mL"),
        ("mg/kg", "%"),
        ("mg/kg", "mL/L"),
        ("mL/L", "%"),
        ("mL/L", "cm/m"),
        ("mg/kg", "1"),
        ("mg/kg/h", "/h"),
        ("mmol/L", "meq/L"),
        ("mmol/L", "10*9/L"),
        ("{score}", "1"),
        ("{score}", "{points}"),
        ("[iU]", "U"),
        ("[iU]", "1"),
        ("[pH]", "1"),
        ("By", "1"),
        ("Cel", "[pH]"),
    ],
)
def test_what_measures_something_else_is_not_converted(one: str, other: str) -> None:
    with pytest.raises(Incommensurable, match="do not measure the same"):
        convert(Decimal(1), one, other)


@pytest.mark.parametrize(
    "code",
    [
        "",
        "mmHg",
        "mcg",
        "bpm",
        "m g",
        "Cel/min",
        "[degF]2",
        "10-3",
        "m100",
        "Ym99",
        "kg/",
        "{a",
        "\u00b5g",
        "m" * 81,
        "m.\x00",
        "0",
        "m0",
        "1.5",
    ],
)
def test_what_is_no_unit_is_unknown(code: str) -> None:
    assert canonical(code) is None
    with pytest.raises(UnknownUnit, match="no unit of UCUM"):
        unit(code)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("mmHg", "mm[Hg]"),
        ("mm Hg", "mm[Hg]"),
        ("mcg", "ug"),
        ("\u00b5g", "ug"),
        ("bpm", "/min"),
        ("cc", "mL"),
        ("\u00b0C", "Cel"),
        ("degF", "[degF]"),
        ("mcg/kg/min", "ug/kg/min"),
        ("mcg/kg/hr", "ug/kg/h"),
        ("beats/min", "{beats}/min"),
        ("breaths/minute", "{breaths}/min"),
        ("Kg", "kg"),
        ("lbs", "[lb_av]"),
        ("IU/mL", "[iU]/mL"),
        ("mEq/L", "meq/L"),
        ("kg/m^2", "kg/m2"),
        ("L / min", "L/min"),
        ("tablet", None),
        ("", None),
    ],
)
def test_a_common_spelling_has_a_suggestion(text: str, code: str | None) -> None:
    assert suggestion(text) == code
    if code:
        with pytest.raises(UnknownUnit) as caught:
            unit(text)
        assert code in str(caught.value)
        assert caught.value.suggestion == code


CODES = [
    "mg",
    "ug",
    "kg",
    "[lb_av]",
    "Cel",
    "[degF]",
    "K",
    "mm[Hg]",
    "kPa",
    "mg/kg/h",
    "ug/kg/min",
    "/min",
    "Hz",
    "{score}",
    "%",
    "1",
    "[iU]",
    "deg",
    "rad",
]
decimals = st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9)


@given(decimals, st.sampled_from(CODES), st.sampled_from(CODES))
def test_there_and_back_is_the_same_number(value: Decimal, one: str, other: str) -> None:
    try:
        there = convert(value, one, other)
    except Incommensurable:
        assert unit(one).base != unit(other).base
        return
    assert unit(one).from_base(unit(other).to_base(there)) == value
    assert unit(other).from_base(unit(one).to_base(value)) == there


@given(decimals, decimals, st.sampled_from(CODES))
def test_conversion_keeps_the_order(value: Decimal, larger: Decimal, code: str) -> None:
    assert (unit(code).to_base(value) < unit(code).to_base(larger)) == (value < larger)


@given(st.fractions())
def test_rounding_is_exact_where_it_can_be_and_outward_where_not(value: Fraction) -> None:
    low, high = rounded(value, ROUND_FLOOR), rounded(value, ROUND_CEILING)
    assert Fraction(low) <= value <= Fraction(high)
    assert Fraction(high) - Fraction(low) <= abs(value) / 10**28
    if low == high:
        assert Fraction(low) == value


@given(st.text(alphabet="mgkLs./(){}[]^*%10-+ \u00b5'H", max_size=20))
def test_any_text_is_a_unit_or_none(text: str) -> None:
    found = canonical(text)
    assert found is None or (found.factor > 0 and found.base.isascii())
    meant = suggestion(text)
    assert meant is None or canonical(meant) is not None


@cache
def _theirs() -> Callable[[str], bool]:
    """Whether ucumvert's own parser reads a code."""
    parser = get_ucum_parser()

    def reads(code: str) -> bool:
        try:
            parse_ucum(code, parser)
        except InvalidUcumError:
            return False
        return True

    return reads


UNITS = [*xml_util.get_units(), *xml_util.get_base_units()]
EXAMPLES = [
    line.split("\t")[1]
    for line in (Path(ucumvert.__file__).parent / "vendor" / "ucum_examples.tsv").read_text(encoding="utf-8").splitlines()[1:]
]


@pytest.mark.parametrize("prefix", ["", "k", "da"])
def test_every_unit_of_the_table_is_read_as_ucumvert_reads_it(prefix: str) -> None:
    codes = [prefix + unit for unit in UNITS]
    assert [code for code in codes if _theirs()(code) != (canonical(code) is not None)] == []


def test_the_examples_of_ucum_are_read_as_ucumvert_reads_them() -> None:
    assert len(EXAMPLES) > 800
    assert [code for code in EXAMPLES if _theirs()(code) != (canonical(code) is not None)] == []


pieces = st.lists(st.sampled_from(["m", "g", "[iU]", "mol", "/", ".", "(", ")", "{a}", "10*", "2", "-1", "k", "%", "min", "s"]), max_size=7)


@given(pieces)
def test_any_combination_is_read_as_ucumvert_reads_it(parts: list[str]) -> None:
    code = "".join(parts)
    narrower = re.search(r"(^|[./(])\d+[.+-]?\d", code) or re.search(r"\d{3}", code)
    assume(not narrower)
    assert (canonical(code) is not None) == _theirs()(code)
