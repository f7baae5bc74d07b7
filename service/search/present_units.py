"""Which base units the values of a quantity parameter have: read from the index, one look into it for each code of a unit.

Where Observations of some codes are sorted by their value, the composite of code and value tells which units those have. The
others need not be read: their values are of other things.
"""

from collections.abc import Sequence

from sqlalchemy import text

from service.fhir import units
from service.search.keys import text_key
from service.search.parameter import Registry
from service.search.query import Match, Query, Token
from service.search.types.protocol import SearchParameter
from service.storage.database import Transaction

MOST_CODES, MOST_UNITS, MOST_ASKED = 300, 40, 16
_R4 = "http://hl7.org/fhir/SearchParameter/"
_VALUE, _CODE, _PAIRED = _R4 + "Observation-value-quantity", _R4 + "clinical-code", _R4 + "Observation-code-value-quantity"
_CODES = text(
    """
    WITH RECURSIVE walked(code) AS (
        SELECT (SELECT min(code) FROM search_quantity WHERE param = :key)
        UNION ALL
        SELECT (SELECT min(q.code) FROM search_quantity q WHERE q.param = :key AND q.code > walked.code) FROM walked WHERE code IS NOT NULL
    )
    SELECT code FROM walked WHERE code IS NOT NULL LIMIT 300
    """
)
_CODES_OF = text(
    """
    WITH RECURSIVE walked(unit) AS (
        SELECT (SELECT min(unit) FROM search_composite WHERE param = :key AND code = :code)
        UNION ALL
        SELECT (SELECT min(c.unit) FROM search_composite c WHERE c.param = :key AND c.code = :code AND c.unit > walked.unit)
        FROM walked WHERE unit IS NOT NULL
    )
    SELECT unit FROM walked WHERE unit IS NOT NULL LIMIT 300
    """
)


def present_units(tx: Transaction, registry: Registry, query: Query, parameter: SearchParameter) -> tuple[str, ...] | None:
    """The base units of the values that `query` may be sorted by; None when they are too many to read one by one."""
    told = _of_codes(tx, registry, query, parameter)
    codes = _of_all(tx, parameter) if told is None else told
    known = {text_key(unit.base) for code in codes if (unit := units.canonical(code)) is not None}
    return tuple(sorted(known)) if len(codes) < MOST_CODES and len(known) * len(parameter.keys) <= MOST_UNITS else None


def _of_all(tx: Transaction, parameter: SearchParameter) -> Sequence[str]:
    return [code for key in parameter.keys for code in tx.connection.execute(_CODES, {"key": key}).scalars()]


def _of_codes(tx: Transaction, registry: Registry, query: Query, parameter: SearchParameter) -> Sequence[str] | None:
    """The units beside the codes that the query asks for; None where it asks for none, or where that does not tell."""
    paired = registry.for_type(query.type).get("code-value-quantity")
    if parameter.url != _VALUE or paired is None or paired.url != _PAIRED:
        return None
    for clause in query.where:
        if isinstance(clause, Match) and clause.modifier is None and registry.for_type(query.type)[clause.parameter].url == _CODE:
            wanted = {value.code for value in clause.values if isinstance(value, Token) and value.code}
            if len(wanted) == len(clause.values) <= MOST_ASKED:
                asked = [{"key": key, "code": text_key(code)} for key in paired.keys for code in sorted(wanted)]
                return [unit for one in asked for unit in tx.connection.execute(_CODES_OF, one).scalars()]
    return None
