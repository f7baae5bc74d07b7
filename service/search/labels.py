"""The profiles, tags and security labels that the index knows, each with the coding of one resource that carries it.

The answer is as long as the labels are many, and reads the index rows of all that are labelled: it is asked for seldom.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select

from service.fhir.document import stored
from service.search.keys import system_key, text_key
from service.search.links import bodies
from service.search.parameter import Registry
from service.storage.database import Transaction
from service.storage.tables import search as index

_CODED = {"security": "_security", "tag": "_tag"}


def in_use(tx: Transaction, registry: Registry, types: Sequence[str], most: int) -> dict[str, list[Any]]:
    """By member of Meta: the profiles (URLs) and codings in use on the current resources of `types`, at most `most` of each, sorted."""
    coded = {member: _codings(tx, member, _keys(registry, types, code), most) for member, code in _CODED.items()}
    return {**coded, "profile": _profiles(tx, _keys(registry, types, "_profile"), most)}


def _keys(registry: Registry, types: Sequence[str], code: str) -> list[int]:
    return sorted({key for type in types if (parameter := registry.parameter(type, code)) for key in parameter.keys})


def _profiles(tx: Transaction, keys: Sequence[int], most: int) -> list[str]:
    table = index.uri.c
    found = select(table.uri).distinct().where(table.param.in_(keys)).order_by(table.uri).limit(most)
    return list(tx.connection.scalars(found))


def _codings(tx: Transaction, member: str, keys: Sequence[int], most: int) -> list[Any]:
    table = index.token.c
    found = select(table.code, table.system, func.min(table.res_id)).where(table.param.in_(keys))
    rows = tx.connection.execute(found.group_by(table.code, table.system).order_by(table.code, table.system).limit(most)).all()
    texts = {row.res_id: row.body for row in bodies(tx, sorted({carrier for _, _, carrier in rows}))}
    codings = [_coding(stored(texts[carrier]).tree["meta"].get(member, []), code, system) for code, system, carrier in rows]
    return [coding for coding in codings if coding]


def _coding(codings: Sequence[Any], code: str, system: int) -> Any:
    """The coding that an index row was made of."""
    for one in codings:
        if text_key(one.get("code", "")) == code and system_key(one.get("system", "")) == system:
            return {name: one[name] for name in ("system", "code", "display") if name in one}
    return None
