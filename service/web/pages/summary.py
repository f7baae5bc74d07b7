"""A resource in a few words: what it is, how much, when, and about whom.

Resources come as plain JSON trees whose numbers are still text, so `72.50` stays `72.50`. Every function answers with
an empty text (or None) when a resource says nothing; none fails on a resource that the gate let in.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from service.web.pages.site import Site, moment_of

Tree = dict[str, Any]

_LABELS = (
    "title", "name", "code", "medicationCodeableConcept", "medicationReference", "vaccineCode", "event", "type",
    "activity", "substance", "deviceName", "serviceType", "serviceCategory", "itemCodeableConcept", "topic",
    "relationship", "class", "category", "description", "reasonCode", "purpose", "questionnaire",
)  # fmt: skip
_MOMENTS = (
    "effective", "performed", "occurrence", "event", "period", "servicedDate", "start", "date", "onset", "started",
    "whenHandedOver", "sent", "recordedDate", "recorded", "authoredOn", "authored", "issued", "created", "assertedDate",
    "detected", "identified", "dateTime", "timing",
)  # fmt: skip
_MOMENT_TYPES = ("", "DateTime", "Period", "Instant", "Date")
_SUBJECTS = ("subject", "patient", "individual", "beneficiary", "for", "focus")


def label(tree: Tree, names: Mapping[str, str] = MappingProxyType({})) -> str:
    """What the resource is about, in the words of its own name, title, code or type.

    `names` holds the words for references; a reference that is not in it is passed over.
    """
    for member in _LABELS:
        value = tree.get(member)
        words = text_of(value)
        if isinstance(value, dict) and words and words == value.get("reference"):
            words = names.get(words, "")
        if words:
            return words
    return ""


def text_of(value: object) -> str:
    """The words of a string, CodeableConcept, Coding, HumanName or Reference; of the first one in a list."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return text_of(value[0]) if value else ""
    if not isinstance(value, dict):
        return ""
    for member in ("text", "display", "name", "reference"):
        if isinstance(words := value.get(member), str):
            return words
    return _name(value) or text_of(value.get("coding")) or _string(value, "code")


def details(tree: Tree) -> str:
    """The figures: an Observation's value and components, a dose and its rate, a vial's lot, how severe it was,
    a person's number and birth date."""
    parts = [_value(tree), *(_component(part) for part in _dicts(tree.get("component"))), *_person(tree)]
    parts += [f"lot {lot}" for batch in _dicts(tree.get("batch")) if (lot := _string(batch, "lotNumber"))]
    parts += [f"severity {words}" for words in [text_of(tree.get("severity"))] if words]
    for dosage in _dicts(tree.get("dosage")):
        parts.extend((_quantity(dosage.get("dose")), _quantity(dosage.get("rateQuantity"))))
    return " · ".join(part for part in parts if part)


def status(tree: Tree) -> str:
    """The status code: of the resource itself, or the clinical status that stands in for it."""
    return text_of(tree.get("status")) or text_of(tree.get("clinicalStatus"))


def when(tree: Tree, site: Site) -> str:
    """The main clinical time in the clinic's zone; a period as start and end, its missing end as an open one."""
    for member in _MOMENTS:
        for type_name in _MOMENT_TYPES:
            value = tree.get(member + type_name)
            if isinstance(value, str):
                return _minute(value, site)
            if isinstance(value, dict) and ("start" in value or "end" in value):
                return _period(value, site)
    return ""


def subject(tree: Tree) -> Tree | None:
    """The Reference to whom the resource is about."""
    for member in _SUBJECTS:
        value = tree.get(member)
        if isinstance(value, dict) and isinstance(value.get("reference"), str):
            return value
    return None


def tags(tree: Tree) -> list[str]:
    """The words of the tags and security labels in `meta`."""
    meta = tree.get("meta")
    if not isinstance(meta, dict):
        return []
    labels = [*_dicts(meta.get("tag")), *_dicts(meta.get("security"))]
    return [words for words in map(text_of, labels) if words]


def _name(name: Tree) -> str:
    given = [part for part in name.get("given", ()) if isinstance(part, str)]
    return " ".join((*given, _string(name, "family"))).strip()


def _value(tree: Tree) -> str:
    for member, value in tree.items():
        if member.startswith("value") and member[5:6].isupper():
            return _quantity(value) or text_of(value)
    return ""


def _person(tree: Tree) -> Iterable[str]:
    if born := _string(tree, "birthDate"):
        yield from (_string(identifier, "value") for identifier in list(_dicts(tree.get("identifier")))[:1])
        yield f"born {born}"
        yield _string(tree, "gender")


def _component(part: Tree) -> str:
    return f"{text_of(part.get('code'))} {_value(part)}".strip()


def _quantity(value: object) -> str:
    if not isinstance(value, dict) or "value" not in value:
        return ""
    unit = _string(value, "unit") or _string(value, "code")
    return f"{_string(value, 'comparator')}{value['value']} {unit}".strip()


def _minute(value: str, site: Site) -> str:
    moment = moment_of(value)
    return value if moment is None else site.local_time(value)[:16]


def _period(value: Tree, site: Site) -> str:
    start, end = (_minute(_string(value, bound), site) for bound in ("start", "end"))
    if start[:10] == end[:10] and len(end) > 10:
        end = end[11:]
    return f"{start} – {end}".strip()


def _string(tree: Tree, member: str) -> str:
    value = tree.get(member)
    return value if isinstance(value, str) else ""


def _dicts(value: object) -> Iterable[Tree]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)]
