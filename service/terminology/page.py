"""One page of an expansion: what a client chooses from (https://hl7.org/fhir/R4/valueset-operation-expand.html).

The order is that of the definition, so that pages fit together. A text is found in the code and in every name of it, each of its words
anywhere and without regard to case.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from service.terminology.concepts import added
from service.terminology.expansion import Expansion, Member
from service.terminology.lookup import Json, Lookup


@dataclass(frozen=True, slots=True)
class Wanted:
    """`count` None is all; 0 only the total. `language` is that of the displays, where there is a name in it."""

    text: str | None = None
    count: int | None = None
    offset: int = 0
    active_only: bool = False
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A code with the name to show, and its other names with those of supplements."""

    member: Member
    display: str | None
    designations: Sequence[Json]


@dataclass(frozen=True, slots=True)
class Page:
    """`total` is of all pages."""

    total: int
    rows: Sequence[Row]


def page(lookup: Lookup, expansion: Expansion, wanted: Wanted) -> Page:
    """The rows that are wanted of an expansion."""
    members = [member for member in expansion.members.values() if not (wanted.active_only and member.inactive)]
    words = wanted.text.casefold().split() if wanted.text else []
    found = [row for row in (_row(lookup, member, wanted.language) for member in members) if _has(row, words)] if words else members
    end = None if wanted.count is None else wanted.offset + wanted.count
    shown = found[wanted.offset : end]
    return Page(len(found), [one if isinstance(one, Row) else _row(lookup, one, wanted.language) for one in shown])


def in_language(names: Sequence[Json], language: str) -> str | None:
    """The first name in that language: the very one, else one of the language without its region, else of any region of it."""
    asked = language.casefold()
    plain = asked.partition("-")[0]
    tests = (asked.__eq__, plain.__eq__, lambda tag: tag.partition("-")[0] == plain)
    for fits in tests:
        for name in names:
            if name.get("value") and fits(str(name.get("language")).casefold()):
                return str(name["value"])
    return None


def _row(lookup: Lookup, member: Member, language: str | None) -> Row:
    system = lookup.code_system(member.system, None)
    extra = [row for concept in (added(lookup, system, member.code) if system else ()) for row in concept.designations]
    names = [*member.designations, *extra]
    display = in_language(names, language) if language else None
    return Row(member, display or member.display, names)


def _has(row: Row, words: Sequence[str]) -> bool:
    names = (row.member.code, row.display, row.member.display, *(name.get("value") for name in row.designations))
    text = "\n".join(str(name) for name in names if name).casefold()
    return all(word in text for word in words)
