"""What is marked on a line of the ledger when it is read, as conditions of SQL.

Some marks are kept with the line (late, unwitnessed, unreceived); some are seen only beside the lines and versions that came after it:
amended, short. `records.register.marks` says the same of lines that were read; a test compares the two.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Integer, and_, case, cast, exists, func, literal, not_, or_, select, tuple_

from service.storage.tables.ledger import ledger_entry
from service.storage.tables.resources import resource

WITNESSED = ("wasted", "destroyed", "broken", "adjusted")
"""The kinds of lines that take a second person, whatever the clinic decided."""
_LINE = ledger_entry.c
_HISTORY = "/_history/"


def condition(flag: str, dialect: str, types: Mapping[str, int]) -> ColumnElement[bool]:
    """That a line has `flag`. `types`: the number of each resource type."""
    kept_with_it = (literal(" ") + _LINE.flags + " ").contains(f" {flag} ")
    match flag:
        case "amended":
            return or_(kept_with_it, _LINE.reverses != 0, _is_reversed(ledger_entry), _is_superseded(dialect, types))
        case "unwitnessed":
            return or_(kept_with_it, and_(_LINE.kind.in_(WITNESSED), _LINE.witness == ""))
        case "unreceived":
            return or_(kept_with_it, _LINE.kind == "opened")
        case "short":
            return or_(_has_rest(), _is_below_the_book())
        case _:
            return kept_with_it


def kept(line: Any) -> ColumnElement[int]:
    """By how much a line changes what vials hold."""
    added, taken = (case((end.startswith("vial/"), line.c.amount_ug), else_=0) for end in (line.c.target, line.c.origin))
    return added - taken


def _is_reversed(line: Any) -> ColumnElement[bool]:
    back = ledger_entry.alias()
    return exists().where(back.c.vial == line.c.vial, back.c.reverses == line.c.number)


def _is_superseded(dialect: str, types: Mapping[str, int]) -> ColumnElement[bool]:
    """The resource that says so has a later version."""
    find = func.instr if dialect == "sqlite" else func.strpos
    slash, mark = find(_LINE.source, "/"), find(_LINE.source, _HISTORY)
    type = case(*((_LINE.source.startswith(f"{name}/"), number) for name, number in types.items()), else_=-1)
    id = func.substr(_LINE.source, slash + 1, mark - slash - 1)
    number = cast(func.substr(_LINE.source, mark + len(_HISTORY)), Integer)
    return exists().where(resource.c.type == type, resource.c.fhir_id == id, resource.c.version > number)


def _has_rest() -> ColumnElement[bool]:
    """Something of its draw was not accounted for."""
    rest = ledger_entry.alias()
    of_draw = (rest.c.draw == _LINE.draw, rest.c.draw != "")
    return exists().where(*of_draw, rest.c.kind == "unaccounted", rest.c.reverses == 0, not_(_is_reversed(rest)))


def _is_below_the_book() -> ColumnElement[bool]:
    """It counted less than the lines before it say."""
    before = ledger_entry.alias()
    places = (tuple_(one.c.occurred, one.c.recorded, one.c.number) for one in (before, ledger_entry))
    earlier, this = places
    book = select(func.coalesce(func.sum(kept(before)), 0)).where(before.c.vial == _LINE.vial, earlier < this).scalar_subquery()
    return and_(_LINE.kind == "counted", _LINE.reverses == 0, _LINE.amount_ug < book)
