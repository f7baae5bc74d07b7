"""Other resources that a profile allows, made from its valid examples.

Whatever is varied is left alone by the profile: an element is dropped only where neither the profile nor an invariant asks for it, and
a value is changed only where none of them speaks of it.
"""

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from fhir.resources.R4B import get_fhir_model_class
from hypothesis import strategies as st

from service.demo.elements import tree as plain
from service.fhir.profile.element import Profile
from tests.properties.profile_samples import DEFINITIONS, profile

Json = Any
_WORD = re.compile(r"[A-Za-z]+")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_KEPT = frozenset({"resourceType", "id", "meta", "contained"})
_PLAIN_TEXT = st.text(alphabet="abcXYZ0189 -'é%", min_size=1, max_size=30).map(str.strip).filter(bool)


@st.composite
def varied(draw: st.DrawFn, url: str, example: Json) -> Json:
    """A resource of a profile, built by fhir.resources from an example that was varied."""
    made, asked = deepcopy(example), words(profile(url))
    free = droppable(profile(url), example, asked)
    for name in draw(st.sets(st.sampled_from(free))) if free else ():
        del made[name]
    days = draw(st.integers(-400, 400))
    _replace(made, lambda text: _shifted(text, days))
    if "value" not in own_words(profile(url)):
        factor = draw(st.sampled_from([Decimal("0.98"), Decimal(1), Decimal("0.95")]))
        for quantity in _quantities(made):
            quantity["value"] = _scaled(quantity["value"], factor)
    for note in (one for holder in _objects(made) for one in holder.get("note", ()) if isinstance(one, dict)):
        note["text"] = draw(_PLAIN_TEXT)
    if draw(st.booleans()):
        made["language"] = draw(st.sampled_from(["en-US", "es", "de-AT"]))
    if draw(st.booleans()):
        made["meta"].setdefault("tag", []).append({"system": "http://example.org/tags", "code": draw(st.sampled_from(["a", "b-2"]))})
    return built(made)


def built(tree: Json) -> Json:
    """The resource as fhir.resources writes it."""
    return plain(get_fhir_model_class(tree["resourceType"]).model_validate(tree))


def words(of: Profile) -> frozenset[str]:
    """Every word in an invariant of the profile or of the type: the elements that they may speak of."""
    stated = [one.expression for node in of.root.walk() for one in node.constraints]
    stated += [one.expression for one in DEFINITIONS.structures[of.type].constraints]
    stated += [one.expression for element in DEFINITIONS.structures[of.type].elements.values() for one in element.constraints]
    return frozenset(word for expression in stated for word in _WORD.findall(expression))


def own_words(of: Profile) -> frozenset[str]:
    """Every word in an invariant that the clinic's profile itself states: those of R4 ask no more of a number than that it is there."""
    stated = (one.expression for node in of.root.walk() for one in node.constraints if one.source.partition("|")[0] == of.url)
    return frozenset(word for expression in stated for word in _WORD.findall(expression))


def droppable(of: Profile, tree: Json, asked: frozenset[str]) -> list[str]:
    """The members of a resource that may be left out."""
    structure, found = DEFINITIONS.structures[of.type], []
    for element in structure.elements.values():
        node = of.root.children.get(element.name + "[x]" if element.choice else element.name)
        least = (node.minimum or 0) + sum(part.minimum or 0 for part in node.slices.values()) if node else 0
        if element.minimum + least == 0 and element.name not in asked:
            found += [name for name in element.properties if name in tree and name not in _KEPT]
    return sorted(found)


def _objects(value: Json) -> Iterator[Json]:
    if isinstance(value, dict):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _objects(one)


def _quantities(tree: Json) -> Iterator[Json]:
    return (one for one in _objects(tree) if "code" in one and isinstance(one.get("value"), int | Decimal) and one["value"] > 1)


def _scaled(value: Json, factor: Decimal) -> Decimal:
    return (Decimal(value) * factor).quantize(Decimal("0.001"))


def _replace(value: Json, change: Callable[[str], str]) -> None:
    """Changes every string inside, in place."""
    for holder in _objects(value):
        for name, one in holder.items():
            if isinstance(one, str):
                holder[name] = change(one)
            elif isinstance(one, list):
                holder[name] = [change(each) if isinstance(each, str) else each for each in one]


def _shifted(text: str, days: int) -> str:
    """A moment moved by whole days; anything else as it is."""
    if not _MOMENT.fullmatch(text):
        return text
    return (datetime.fromisoformat(text) + timedelta(days=days)).isoformat()
