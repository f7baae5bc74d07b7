"""Composites: values of the same element, joined by `$`: `8480-6$ge180|http://unitsofmeasure.org|mm[Hg]`.

A row holds one pair of what two parts of an element say. The first part, a token or a reference, stands in `code` and `system`; the second
in the other columns, as the type of its parameter has it:

    token      lo = hi = code, unit_system = system          quantity   unit = code, unit_system = system, lo, hi
    reference  lo = hi = target, unit_system = type          date       lo, hi as text that sorts as they do
    string     lo = folded beginning, hi = folded text       numbers    lo = number, hi = the number of a third part, if there is one

Each part is read, and compared, by the parameter that the composite names for it. https://hl7.org/fhir/R4/search.html#composite
"""

from collections.abc import Callable, Iterable, Mapping
from types import SimpleNamespace
from typing import Any

from service.search.keys import LONGEST, text_key
from service.search.query import Composite, Moment, Number, Quantity, Target, Text, Token, Uri
from service.search.types import date, escapes, number, quantity, reference, string, token, uri
from service.search.types.folding import folded
from service.search.types.protocol import Action, Asked, Condition, Reading, Refused, Rows, SearchParameter, SearchType, Source

TABLE = "composite"
MODIFIERS: frozenset[str] = frozenset()
PREFIXES: tuple[str, ...] = ()
READS: frozenset[str] = frozenset()
SEPARATOR = "$"
PARTS: Mapping[str, SearchType] = {
    "date": date,
    "number": number,
    "quantity": quantity,
    "reference": reference,
    "string": string,
    "token": token,
}
"""The types that a part may have."""
HEADS = frozenset({"token", "reference"})
"""The types that the first part may have."""

_OFFSET = 2**63
_WRITERS: Mapping[type, Callable[[Any], str]] = {
    Moment: date.write,
    Number: number.write,
    Quantity: quantity.write,
    Target: reference.write,
    Text: string.write,
    Token: token.write,
    Uri: uri.write,
}

Head = tuple[str, int]
"""code, system"""
Tail = tuple[str, str, str, int]
"""unit, lo, hi, unit_system"""


def unsupported(kinds: tuple[str, ...]) -> str | None:
    """Why parts of these types have no place in a row, if so."""
    two = len(kinds) == 2 and kinds[1] in PARTS
    three = len(kinds) == 3 and kinds[1:] == ("number", "number")
    if kinds[:1] and kinds[0] in HEADS and (two or three):
        return None
    return f"a composite of {', '.join(kinds) or 'nothing'}, which no row of the index holds; ask for its parts one by one"


def parse(text: str, modifier: str | None, parameter: SearchParameter, reading: Reading) -> Composite:
    """One value for each part."""
    texts, wanted = escapes.split(text, SEPARATOR), parameter.components
    if len(texts) != len(wanted) or not all(texts):
        form = SEPARATOR.join(one.code for one in wanted)
        raise Refused(f"it is written '{form}', with a value in each place; write a '$' that belongs to a value as '\\$'")
    return Composite(tuple(_part(one, component, reading) for one, component in zip(texts, wanted, strict=True)))


def _part(text: str, component: SearchParameter, reading: Reading) -> Any:
    try:
        value = PARTS[component.kind].parse(text, None, component, reading)
    except Refused as refused:
        raise Refused(f"in its part '{component.code}' ({component.kind}), {refused}") from None
    if isinstance(value, Text) and len(folded(value.text)) > LONGEST:
        raise Refused(f"in its part '{component.code}', it is longer than {LONGEST} characters; give the beginning")
    return value


def write(value: Any) -> str:
    """The parts as they were."""
    return SEPARATOR.join(_WRITERS[type(part)](part) for part in value.parts)


def extractor(source: Source) -> Action:
    """None: a composite is no element. `search.correlation` reads its parts, `heads` and `tails` make columns of what they say."""
    raise TypeError("a composite has no element of its own")


def heads(kind: str, key: int, rows: Rows) -> Iterable[Head]:
    """The columns of a first part, from the rows that its extractor made under `key`."""
    found = rows.token if kind == "token" else rows.reference
    return {row[1:] for row in found if row[0] == key}


def tails(kind: str, key: int, rows: Rows) -> Iterable[Tail]:
    """The columns of a second part."""
    found = getattr(rows, kind)
    return {_TAILS[kind](row) for row in found if row[0] == key}


def ordered(moment: int) -> str:
    """A date's microseconds as text that sorts as they do."""
    return f"{moment + _OFFSET:020d}"


_TAILS: Mapping[str, Callable[[Any], Tail]] = {
    "token": lambda row: ("", row[1], row[1], row[2]),
    "reference": lambda row: ("", row[1], row[1], row[2]),
    "quantity": lambda row: (row[1], row[2], row[3], row[4]),
    "date": lambda row: ("", ordered(row[2]), ordered(row[3]), 0),
    "string": lambda row: ("", row[1], text_key(row[3] or row[1]), 0),
    "number": lambda row: ("", row[1], row[2], 0),
}


def predicate(table: Any, asked: Asked) -> Condition:
    """Every part in its columns."""
    components = asked.parameter.components
    first, second = components[0].kind, components[1].kind
    found = PARTS[first].predicate(_head(table), _asked(asked, 0))
    if len(components) == 3:
        low, high = SimpleNamespace(lo=table.lo, hi=table.lo), SimpleNamespace(lo=table.hi, hi=table.hi)
        return found & number.predicate(low, _asked(asked, 1)) & number.predicate(high, _asked(asked, 2))
    return found & PARTS[second].predicate(_tail(table, second), _asked(asked, 1))


def _head(table: Any) -> Any:
    return SimpleNamespace(code=table.code, system=table.system, target_id=table.code, target_type=table.system)


def _tail(table: Any, kind: str) -> Any:
    code = table.unit if kind == "quantity" else table.lo
    return SimpleNamespace(
        code=code,
        system=table.unit_system,
        target_id=table.lo,
        target_type=table.unit_system,
        lo=table.lo,
        hi=table.hi,
        prefix=table.lo,
        folded=table.hi,
    )


def _asked(whole: Asked, place: int) -> Asked:
    """The question of one part; dates are bound as the text of their column."""
    component = whole.parameter.components[place]
    column = ordered if component.kind == "date" else _itself

    def bind(read: Callable[[Any], Any]) -> Any:
        return whole.bind(lambda value: column(read(value.parts[place])))

    return Asked(whole.value.parts[place], None, component, whole.reading, bind)


def _itself(value: Any) -> Any:
    return value
