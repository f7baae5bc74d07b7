"""Generated compositions: three value sets over two code systems of five codes each; a later one may name those before it."""

from typing import Any

from hypothesis import strategies as st

from tests.unit.terminology.shelf import SETS, SYSTEM, codes, where

OTHER = "https://clinic.example/fhir/CodeSystem/other"
CODES = "abcde"
UNIVERSE = [(of_system, code) for of_system in (SYSTEM, OTHER) for code in CODES]
LISTED = st.builds(
    lambda listed, name: codes(*listed, of=name), st.lists(st.sampled_from(CODES), min_size=1), st.sampled_from([SYSTEM, OTHER])
)
FILTERED = st.builds(
    lambda op, value, name: where("concept" if op != "in" else "code", op, value, of=name),
    st.sampled_from(["=", "is-a", "descendent-of", "is-not-a", "in", "not-in", "generalizes"]),
    st.sampled_from(CODES),
    st.sampled_from([SYSTEM, OTHER]),
)
WHOLE = st.sampled_from([{"system": SYSTEM}, {"system": OTHER}])


def parts(number: int) -> st.SearchStrategy[Any]:
    """Includes of value set `number`, which may name those before it."""
    own = st.one_of(LISTED, FILTERED, WHOLE)
    if not number:
        return own
    imports = st.lists(st.sampled_from([f"{SETS}/v{one}" for one in range(number)]), min_size=1, max_size=2)
    return st.one_of(
        own, imports.map(lambda urls: {"valueSet": urls}), st.builds(lambda part, urls: {**part, "valueSet": urls}, own, imports)
    )


SHELVES = st.tuples(
    *(st.tuples(st.lists(parts(number), min_size=1, max_size=3), st.lists(parts(number), max_size=2)) for number in range(3))
)
