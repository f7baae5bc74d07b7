"""The search parameters of one resource type, compiled: which rows hold them and the extractor that makes those rows.

Two parameters over the same elements share rows: `patient` is `subject` narrowed to Patient, `combo-code` is `code` and
`component-code` together. Only a parameter that no others cover writes rows of its own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from service.fhir.definitions import Definitions
from service.search import extract
from service.search.element_paths import Leaf, leaves
from service.search.expression import IsNotFalse, Member, Path, Unsupported, parse
from service.search.keys import parameter_key, system_key
from service.search.main_date import main_date
from service.search.types import IMPLEMENTED
from service.search.types.protocol import Reading, SearchParameter, Source

ROOTS = ("Resource", "DomainResource")
IDENTIFIER = ":identifier"
TEXT = ":text"
OF_TYPE = ":of-type"
BESIDES = (IDENTIFIER, TEXT, OF_TYPE)
"""What is appended to the code of a parameter for the rows that its modifiers look at."""
WITHOUT_ROWS = frozenset({"_id", "_lastUpdated"})
"""Answered by the resource's own row."""

_NOT_YET = {
    "composite": "composite parameters are not supported; ask for the parts one by one, or for the combination's code alone",
    "special": "the parameter needs a special search that is not supported",
}

_NOT_MEANT = {"phonetic": "matching by sound is not supported; use 'name', which ignores case and accents"}
"""By code: parameters whose expression compiles to something other than what they promise."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TypePlan:
    """The parameters of a type by code, the tree that extracts their rows, and one tree per reference parameter."""

    parameters: Mapping[str, SearchParameter]
    tree: extract.Node
    references: Mapping[str, extract.Node]
    main_key: int | None


@dataclass(slots=True)
class _Draft:
    """A parameter while its rows are being shared out."""

    row: Row
    paths: frozenset[Path] = frozenset()
    targets: frozenset[str | None] = frozenset()
    leaves: list[Leaf] = field(default_factory=list)
    keys: tuple[str, ...] = ()
    refusal: str | None = None


def type_plan(type: str, rows: Iterable[Row], definitions: Definitions, reading: Reading) -> TypePlan:
    """Compile the parameters whose base is `type`. What cannot be compiled is kept, with its refusal."""
    drafts = {row["code"]: _draft(type, row, definitions) for row in rows}
    for code, draft in drafts.items():
        draft.keys = _owners(code, drafts)
    dates = [code for code, draft in drafts.items() if draft.row["type"] == "date" and not draft.refusal and code not in WITHOUT_ROWS]
    main = main_date(dates)
    parameters = {code: _parameter(type, draft, main) for code, draft in sorted(drafts.items())}
    tree = extract.Node()
    references = {}
    for code, draft in drafts.items():
        if draft.refusal or code in WITHOUT_ROWS:
            continue
        if draft.keys == (code,):
            _grow(tree, type, draft, definitions, reading)
        if draft.row["type"] == "reference":
            references[code] = extract.Node()
            _grow(references[code], type, draft, definitions, reading)
    main_key = parameters[main].keys[0] if main else None
    return TypePlan(MappingProxyType(parameters), tree, MappingProxyType(references), main_key)


def _draft(type: str, row: Row, definitions: Definitions) -> _Draft:
    draft = _Draft(row, refusal=_NOT_MEANT.get(row["code"]))
    if row["type"] not in IMPLEMENTED:
        draft.refusal = _NOT_YET.get(row["type"], f"parameters of type {row['type']} are not supported")
        return draft
    try:
        absolute = [_absolute(path, type) for path in parse(row["expression"])]
        paths = [path for path in absolute if path.root in (type, *ROOTS)]
        parted = [path.without_target() for path in paths]
        draft.paths, draft.targets = frozenset(path for path, _ in parted), frozenset(target for _, target in parted)
        draft.leaves = [leaf for path in paths for leaf in leaves(path, definitions)]
        draft.refusal = draft.refusal or _unreadable(row["type"], draft.leaves)
    except Unsupported as unsupported:
        draft.refusal = f"its expression uses {unsupported}"
    return draft


def _absolute(path: Path, type: str) -> Path:
    """R4 writes one expression without the type that it starts at."""
    return Path(type, (Member(path.root), *path.steps)) if path.root[0].islower() else path


def _unreadable(kind: str, found: Iterable[Leaf]) -> str | None:
    """Why none of the elements can be indexed, if so."""
    types = sorted({leaf.type for leaf in found})
    readable = [name for name in types if name in IMPLEMENTED[kind].READS]
    return None if readable else f"it leads to {', '.join(types)}, which a parameter of type {kind} cannot read"


def _owners(code: str, drafts: Mapping[str, _Draft]) -> tuple[str, ...]:
    """The parameters whose rows answer for `code`: those that cover its paths exactly, or else itself."""
    mine = drafts[code]
    if mine.refusal or len(mine.targets) > 1:
        return (code,)
    parts = [other for other, draft in drafts.items() if other != code and _is_part(other, draft, code, mine)]
    covered = frozenset(path for other in parts for path in drafts[other].paths)
    if not mine.paths or covered != mine.paths:
        return (code,)
    return tuple(sorted({owner for part in parts for owner in _owners(part, drafts)}))


def _is_part(other: str, draft: _Draft, code: str, mine: _Draft) -> bool:
    if draft.refusal or draft.row["type"] != mine.row["type"] or draft.targets != {None}:
        return False
    if mine.targets == {None} and draft.paths == mine.paths:
        return other < code
    return draft.paths <= mine.paths


def _parameter(type: str, draft: _Draft, main: str | None) -> SearchParameter:
    row, found = draft.row, draft.leaves
    stems = {leaf.element.path if leaf.element else leaf.steps for leaf in found}
    return SearchParameter(
        type=type,
        code=row["code"],
        kind=row["type"],
        url=row["url"],
        expression=row.get("expression", ""),
        targets=_targets(draft),
        keys=() if row["code"] in WITHOUT_ROWS else tuple(parameter_key(type, owner) for owner in draft.keys),
        identifier_keys=tuple(parameter_key(type, owner + IDENTIFIER) for owner in draft.keys),
        text_keys=tuple(parameter_key(type, owner + TEXT) for owner in draft.keys),
        of_type_keys=tuple(parameter_key(type, owner + OF_TYPE) for owner in draft.keys),
        only=frozenset(target for target in draft.targets if target) if draft.keys != (row["code"],) else frozenset(),
        elements=frozenset(leaf.type for leaf in found if leaf.type in IMPLEMENTED[row["type"]].READS),
        single=bool(found) and all(leaf.single for leaf in found) and len(stems) == 1,
        main=row["code"] == main,
        refusal=draft.refusal,
    )


def _targets(draft: _Draft) -> frozenset[str]:
    """The types that the references may point to; empty for any. The elements know better than R4's lists, which span many types."""
    if None not in draft.targets:
        return frozenset(target for target in draft.targets if target)
    kinds = [leaf.element.type(leaf.type) for leaf in draft.leaves if leaf.element]
    known = [frozenset(kind.targets) if kind else frozenset() for kind in kinds]
    if not known or any(not targets or "Resource" in targets for targets in known):
        return frozenset(draft.row.get("target", ()))
    return frozenset().union(*known)


def _grow(tree: extract.Node, type: str, draft: _Draft, definitions: Definitions, reading: Reading) -> None:
    """Add the draft's leaves to `tree` that its type can read."""
    code, kind = draft.row["code"], IMPLEMENTED[draft.row["type"]]
    tested = [leaf for leaf in draft.leaves if isinstance(leaf.steps[-1], IsNotFalse)]
    for leaf in draft.leaves:
        if leaf.type not in kind.READS:
            continue
        action = kind.extractor(_source(type, code, leaf, definitions, reading))
        if leaf not in tested:
            extract.add(tree, leaf.steps, action, reading.literals)
        elif leaf is tested[0]:
            names = tuple(str(one.steps[-2]) for one in tested)
            extract.add(tree, leaf.steps[:-2], extract.not_false(names, action), reading.literals)


def _source(type: str, code: str, leaf: Leaf, definitions: Definitions, reading: Reading) -> Source:
    return Source(
        element=leaf.type,
        key=parameter_key(type, code),
        identifier_key=parameter_key(type, code + IDENTIFIER),
        text_key=parameter_key(type, code + TEXT),
        of_type_key=parameter_key(type, code + OF_TYPE),
        zone=reading.zone,
        literals=reading.literals,
        code_systems=_code_systems(leaf, definitions),
    )


def _code_systems(leaf: Leaf, definitions: Definitions) -> Mapping[str, int]:
    """The system of each code of a `code` element, where its required binding leaves no doubt."""
    if leaf.type != "code" or leaf.element is None or leaf.element.binding is None:
        return {}
    systems: dict[str, set[str]] = {}
    for system, code in definitions.codes(leaf.element.binding.value_set) or ():
        systems.setdefault(code, set()).add(system)
    return {code: system_key(next(iter(known))) for code, known in systems.items() if len(known) == 1}
