"""Codes by concept maps: https://hl7.org/fhir/R4/conceptmap-operation-translate.html."""

from typing import Any

import pytest

from service.terminology import ndc
from service.terminology.translation import Question, Translation, translate
from tests.unit.terminology.shelf import SETS, SYSTEM, Shelf, codes, concept, system, value_set

OTHER = "https://clinic.example/fhir/CodeSystem/other"
MAPS = "https://clinic.example/fhir/ConceptMap"


def element(code: str, *targets: tuple[str | None, str], **members: Any) -> Any:
    """What one code is mapped to: codes with the equivalence."""
    return {"code": code, "target": [{**({"code": to} if to else {}), "equivalence": said, **members} for to, said in targets]}


def mapped(name: str, *elements: Any, unmapped: Any = None, **members: Any) -> Any:
    """A ConceptMap with one group."""
    group = {"source": SYSTEM, "target": OTHER, "element": list(elements), **({"unmapped": unmapped} if unmapped else {})}
    return {"resourceType": "ConceptMap", "url": f"{MAPS}/{name}", "status": "active", "group": [group], **members}


PLAIN = mapped(
    "m", element("a", ("x", "equivalent"), ("y", "wider")), element("b", (None, "unmatched")), element("c"), element("d", ("x", "narrower"))
)


def asked(code: str, *maps: Any, of: str = SYSTEM, shelf: Shelf | None = None, **question: Any) -> Translation:
    """The translation of a code by maps; by all that are known, when none is given."""
    return translate(shelf or Shelf(list(maps)), maps or None, Question(of, code, **question))


def said(found: Translation) -> list[tuple[str, str | None]]:
    """Equivalence and code of each match."""
    return [(match.equivalence, match.code) for match in found.matches]


@pytest.mark.parametrize(
    ("code", "result", "matches"),
    [
        ("a", True, [("equivalent", "x"), ("wider", "y")]),
        ("b", False, [("unmatched", None)]),
        ("c", False, [("unmatched", None)]),
        ("d", True, [("narrower", "x")]),
        ("z", False, []),
    ],
)
def test_forth(code: str, result: bool, matches: list[tuple[str, str | None]]) -> None:
    found = asked(code, PLAIN)
    assert (found.result, said(found)) == (result, matches)
    assert (found.message is None) is result
    assert {match.map_url for match in found.matches} <= {f"{MAPS}/m"}
    assert {match.system for match in found.matches if match.code} <= {OTHER}


def test_back() -> None:
    assert said(asked("x", PLAIN, of=OTHER, reverse=True)) == [("equivalent", "a"), ("wider", "d")]
    assert said(asked("y", PLAIN, of=OTHER, reverse=True)) == [("narrower", "a")]
    assert said(asked("a", PLAIN, reverse=True)) == []
    assert [match.system for match in asked("y", PLAIN, of=OTHER, reverse=True).matches] == [SYSTEM]


@pytest.mark.parametrize(
    ("unmapped", "matches"),
    [
        (None, []),
        ({"mode": "provided"}, [("equal", "z")]),
        ({"mode": "fixed", "code": "other", "display": "Other"}, [("relatedto", "other")]),
        ({"mode": "other-map", "url": f"{MAPS}/n"}, [("equivalent", "zz")]),
        ({"mode": "other-map", "url": f"{MAPS}/nowhere"}, []),
    ],
)
def test_what_is_not_mapped(unmapped: Any, matches: list[tuple[str, str | None]]) -> None:
    shelf = Shelf([mapped("n", element("z", ("zz", "equivalent")))])
    made = mapped("m", element("a", ("x", "equal")), unmapped=unmapped)
    found = translate(shelf, [made], Question(SYSTEM, "z"))
    assert said(found) == matches
    assert found.result is bool(matches)
    assert said(translate(shelf, [made], Question(SYSTEM, "a"))) == [("equal", "x")]


def test_maps_that_refer_to_each_other_end() -> None:
    maps = [mapped(name, unmapped={"mode": "other-map", "url": f"{MAPS}/{other}"}) for name, other in (("m", "n"), ("n", "m"))]
    found = translate(Shelf(maps), maps[:1], Question(SYSTEM, "z"))
    assert (found.result, found.matches) == (False, [])
    assert "circle" in str(found.message)


def test_a_map_that_others_refer_to_many_times_over_is_asked_once() -> None:
    maps = [mapped(f"m{number}", unmapped={"mode": "other-map", "url": f"{MAPS}/m{number + 1}"}) for number in range(9)]
    for made in maps:
        made["group"] *= 20
    last = mapped("m9", element("z", ("zz", "equal")))
    assert said(translate(Shelf([*maps, last]), maps[:1], Question(SYSTEM, "z"))) == [("equal", "zz")]


def test_a_map_elsewhere_that_is_not_stored_is_told() -> None:
    found = asked("z", mapped("m", unmapped={"mode": "other-map", "url": f"{MAPS}/n"}))
    assert found.message == f"what is not mapped is in {MAPS}/n, which is not stored here"


def test_what_a_match_depends_on_has_to_be_given() -> None:
    depends = {"dependsOn": [{"property": "https://clinic.example/site", "value": "arm"}], "product": [{"property": "p", "value": "v"}]}
    made = mapped("m", element("a", ("x", "equal"), **depends))
    assert said(asked("a", made)) == []
    assert "depends on https://clinic.example/site" in str(asked("a", made).message)
    assert said(asked("a", made, dependencies={"https://clinic.example/site": "leg"})) == []
    found = asked("a", made, dependencies={"https://clinic.example/site": "arm"})
    assert said(found) == [("equal", "x")]
    assert (found.matches[0].product, found.matches[0].depends_on) == (depends["product"], depends["dependsOn"])


def test_versions_of_a_group() -> None:
    made = mapped("m", element("a", ("x", "equal")))
    made["group"][0].update(sourceVersion="1", targetVersion="7")
    assert [match.version for match in asked("a", made).matches] == ["7"]
    assert said(asked("a", made, version="1")) == [("equal", "x")]
    assert said(asked("a", made, version="2")) == []
    assert said(asked("x", made, of=OTHER, version="8", reverse=True)) == []
    assert [match.version for match in asked("x", made, of=OTHER, reverse=True).matches] == ["1"]


def test_case_is_ignored_where_the_code_system_ignores_it() -> None:
    for case_sensitive, matches in ((False, [("equal", "x")]), (True, [])):
        shelf = Shelf([system(concept("a"), caseSensitive=case_sensitive)])
        assert said(asked("A", mapped("m", element("a", ("x", "equal"))), shelf=shelf)) == matches


def test_the_value_set_and_the_code_system_that_are_sought() -> None:
    sets = [value_set("x", codes("x", of=OTHER)), value_set("any", {"system": OTHER})]
    shelf = Shelf([*sets, PLAIN])
    assert said(asked("a", PLAIN, shelf=shelf, target=f"{SETS}/x")) == [("equivalent", "x")]
    both = asked("a", PLAIN, shelf=shelf, target=f"{SETS}/any")
    assert said(both) == [("equivalent", "x"), ("wider", "y")]
    assert "could not be checked" in str(both.message)
    assert said(asked("a", PLAIN, target_system=OTHER)) == [("equivalent", "x"), ("wider", "y")]
    assert said(asked("a", PLAIN, target_system=SYSTEM)) == []


def test_a_map_for_codes_of_another_value_set_is_left_out() -> None:
    made = {**PLAIN, "sourceCanonical": f"{SETS}/here|1", "targetUri": f"{SETS}/there"}
    assert said(asked("d", made, source=f"{SETS}/here")) == [("narrower", "x")]
    assert said(asked("d", made, source=f"{SETS}/there")) == []
    assert said(asked("x", made, of=OTHER, source=f"{SETS}/there", reverse=True)) == [("equivalent", "a"), ("wider", "d")]


def test_every_map_that_is_known() -> None:
    shelf = Shelf([PLAIN, mapped("n", element("d", ("z", "relatedto"))), system(concept("a"))])
    found = translate(shelf, None, Question(SYSTEM, "d"))
    assert {match.map_url: match.code for match in found.matches} == {f"{MAPS}/m": "x", f"{MAPS}/n": "z"}
    assert len(translate(shelf, None, Question(OTHER, "x", reverse=True)).matches) == 2
    assert translate(shelf, None, Question(OTHER, "x")).matches == []


def test_drug_packages_with_ten_and_eleven_digits() -> None:
    computed = {"resourceType": "ConceptMap", "url": ndc.MAP}
    for maps in ((), (computed,)):
        assert said(asked("67457-001-10", *maps, of=ndc.NDC)) == [("equal", "67457000110")]
        assert said(asked("67457000110", *maps, of=ndc.NDC, reverse=True)) == [("equal", "67457-001-10")]
        several = asked("01234056701", *maps, of=ndc.NDC, reverse=True)
        assert said(several) == [("inexact", form) for form in ("1234-0567-01", "01234-567-01", "01234-0567-1")]
        ambiguous = asked("6745700110", *maps, of=ndc.NDC)
        assert (ambiguous.result, ambiguous.matches) == (False, [])
        assert "may be three codes" in str(ambiguous.message)
    assert said(asked("67457-001-10", PLAIN, of=ndc.NDC)) == []
    assert said(asked("67457-001-10", of=ndc.NDC, target_system=OTHER)) == []
