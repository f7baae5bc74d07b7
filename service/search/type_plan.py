"""The search parameters of one resource type, compiled: which rows hold them and the extractor that makes those rows.

Two parameters over the same elements share rows: `patient` is `subject` narrowed to Patient, `combo-code` is `code` and
`component-code` together. Only a parameter that no others cover writes rows of its own.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from service.fhir.definitions import Definitions
from service.search import correlation, extract
from service.search.correlation import Correlation
from service.search.element_paths import Leaf, leaves
from service.search.expression import IsNotFalse, Member, Path, Unsupported, parse
from service.search.keys import parameter_key
from service.search.main_date import main_date
from service.search.sources import IDENTIFIER, OF_TYPE, TEXT, source
from service.search.types import IMPLEMENTED
from service.search.types.protocol import Reading, SearchParameter

ROOTS = ("Resource", "DomainResource")
WITHOUT_ROWS = frozenset({"_id", "_lastUpdated"})
"""Answered by the resource's own row."""

_NOT_MEANT = {
    "near": "distances on a globe are not indexed; ask for 'address-city', 'address-postalcode' or 'partof'",
    "composition": "it searches inside the first entry of a Bundle; ask for the Composition itself",
    "message": "it searches inside the first entry of a Bundle; ask for the MessageHeader itself",
    "phonetic": "matching by sound is not supported; use 'name', which ignores case and accents",
}
"""By code: parameters that promise what their rows could not keep."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TypePlan:
    """The parameters of a type by code, and the tree that extracts their rows."""

    parameters: Mapping[str, SearchParameter]
    tree: extract.Node
    main_key: int | None


@dataclass(slots=True)
class _Draft:
    """A parameter while its rows are being shared out."""

    row: Row
    paths: frozenset[Path] = frozenset()
    targets: frozenset[str | None] = frozenset()
    leaves: list[Leaf] = field(default_factory=list)
    keys: tuple[str, ...] = ()
    components: tuple[SearchParameter, ...] = ()
    correlations: tuple[Correlation, ...] = ()
    refusal: str | None = None


def type_plan(type: str, rows: Collection[Row], definitions: Definitions, reading: Reading, known: Collection[Row] = ()) -> TypePlan:
    """Compile the parameters whose base is `type`. What cannot be compiled is kept, with its refusal.

    `known` are definitions besides `rows` by which composites read their parts.
    """
    drafts = {row["code"]: _draft(type, row, definitions, (*rows, *known)) for row in rows}
    for code, draft in drafts.items():
        draft.keys = _owners(code, drafts)
    dates = [code for code, draft in drafts.items() if draft.row["type"] == "date" and not draft.refusal and code not in WITHOUT_ROWS]
    main = main_date(dates)
    parameters = {code: _parameter(type, draft, main) for code, draft in sorted(drafts.items())}
    tree = extract.Node()
    for code, draft in drafts.items():
        if draft.refusal or code in WITHOUT_ROWS:
            continue
        if draft.keys == (code,):
            _grow(tree, type, draft, definitions, reading)
    found = [(code, one) for code, draft in drafts.items() if draft.keys == (code,) for one in draft.correlations]
    if found:
        tree.actions.append(correlation.action(type, found, definitions, reading))
    main_key = parameters[main].keys[0] if main else None
    return TypePlan(MappingProxyType(parameters), tree, main_key)


def _draft(type: str, row: Row, definitions: Definitions, known: Collection[Row]) -> _Draft:
    draft = _Draft(row, refusal=_NOT_MEANT.get(row["code"]))
    if row["type"] not in IMPLEMENTED:
        draft.refusal = draft.refusal or f"parameters of type {row['type']} are not supported"
    if draft.refusal:
        return draft
    try:
        absolute = [_absolute(path, type) for path in parse(row["expression"])]
        paths = [path for path in absolute if path.root in (type, *ROOTS)]
        if row["type"] == "composite":
            return _composite(type, draft, paths, known, definitions)
        parted = [path.without_target() for path in paths]
        draft.paths, draft.targets = frozenset(path for path, _ in parted), frozenset(target for _, target in parted)
        draft.leaves = [leaf for path in paths for leaf in leaves(path, definitions)]
        draft.refusal = _unreadable(row["type"], draft.leaves)
    except Unsupported as unsupported:
        draft.refusal = f"its expression uses {unsupported}"
    return draft


def _composite(type: str, draft: _Draft, paths: Collection[Path], known: Collection[Row], definitions: Definitions) -> _Draft:
    found = correlation.drafted(type, draft.row, paths, known, definitions)
    draft.paths, draft.targets = found.paths, frozenset({None})
    draft.components, draft.correlations = found.components, found.correlations
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
        components=draft.components,
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
        action = kind.extractor(source(type, code, leaf, definitions, reading))
        if leaf not in tested:
            extract.add(tree, leaf.steps, action, reading.literals)
        elif leaf is tested[0]:
            names = tuple(str(one.steps[-2]) for one in tested)
            extract.add(tree, leaf.steps[:-2], extract.not_false(names, action), reading.literals)
