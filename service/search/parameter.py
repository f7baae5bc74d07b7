"""The registry: every search parameter of every served type, from R4, from the clinic and from SearchParameter resources of the record.

Immutable to its users and thread-safe; a type is compiled when it is first asked for. What cannot be searched is listed in
`refusals` with the reason, and asking for it is answered with that reason: nothing is ignored. A registry made by itself takes every
parameter for indexed; `listed` makes one that knows what the index of a database holds, from that one (`defined`).
https://hl7.org/fhir/R4/searchparameter-registry.html
"""

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

from service.errors import BadRequest
from service.fhir import compartment, library
from service.fhir.definitions import Definitions
from service.paths import resource_path
from service.search import activation, extract, stated
from service.search.activation import DROPPING, Key, Listing, Row
from service.search.computed import Computed, computed, is_computed
from service.search.keys import parameter_key
from service.search.main_date import MISSING
from service.search.memory import Memory
from service.search.posted import Proposals, proposals
from service.search.sources import BESIDES
from service.search.stated import OTHER_REFERENCE
from service.search.type_plan import ROOTS, TypePlan, type_plan
from service.search.types.literals import Literals
from service.search.types.protocol import Json, Reading, Rows, SearchParameter
from service.terminology.shelf import Shelf

__all__ = ["OTHER_REFERENCE", "Registry", "SearchParameter"]


@dataclass(frozen=True, slots=True)
class Extracted:
    """The index rows of one resource, and what its main date spans; MISSING twice when it has none."""

    rows: Rows
    lo: int
    hi: int


class Registry:
    """Search parameters for one FHIR base and one clinic's time zone. `statements` remembers the SQL of the last searches' shapes.

    `shelf` has the value sets and code systems that searches know without a database: those that came with the service, when none is given.
    """

    def __init__(
        self,
        definitions: Definitions,
        base_url: str,
        time_zone: str = "UTC",
        folder: Path | None = None,
        shelf: Shelf | None = None,
    ) -> None:
        self.definitions = definitions
        self.shelf = shelf or Shelf(library.load(folder))
        numbers = {name: definitions.type_number(name) for name in definitions.all_types}
        self.reading = Reading(ZoneInfo(time_zone), Literals(base_url, numbers))
        self._rows = tuple(stated.read(folder or resource_path("fhir_profiles")))
        self._own = frozenset(row["url"] for row in self._rows if "resourceType" in row)
        self.compartments = compartment.load()
        self._zone = time_zone
        self.statements = Memory()
        self.listing: Listing | None = None
        self.defined = self
        self.proposed = Proposals()
        self._keys = stated.keys(definitions.all_types, self._rows)
        self._plan = cache(self._planned)
        self._computed = cache(self._computed_of)
        self.digests = cache(self._digests)
        self.other_key = cache(lambda type: parameter_key(type, OTHER_REFERENCE))
        self._adopted = cache(self._adopted_of)
        self._view = cache(self._viewed)

    def listed(self, listing: Listing) -> "Registry":
        """The same definitions over an index that holds what `listing` says: what is not active there is refused."""
        other = copy(self)
        other.defined = self
        other.listing, other.statements = listing, Memory()
        other.proposed = proposals(self._foreign(listing.posted), self.definitions.types, self._plan_parameter, self._compiled)
        other._adopted = cache(other._adopted_of)
        other._view = cache(other._viewed)
        return other

    def parameter(self, type: str, code: str) -> SearchParameter | None:
        """The parameter `code` of `type`, refused or not; None when there is none."""
        return self._view(type).get(code)

    def keys_of(self, type: str, code: str) -> tuple[int, ...]:
        """The index parameters of a parameter that the service itself looks under; () when there is none.

        Raises BadRequest while the index does not hold it.
        """
        parameter = self.parameter(type, code)
        if parameter is None:
            return ()
        if parameter.refusal in activation.AWAITED:
            raise BadRequest.of("not-supported", "search-unindexed", f"This needs '{code}' of {type}, but {parameter.refusal}.")
        return parameter.keys

    def for_type(self, type: str) -> Mapping[str, SearchParameter]:
        """The parameters of `type` that can be searched, by code."""
        return MappingProxyType({code: parameter for code, parameter in self._view(type).items() if not parameter.refusal})

    def refusals(self) -> Mapping[Key, str]:
        """Why some parameters of the served types cannot be searched, by (type, code)."""
        found = ((name, code, one.refusal) for name in self.definitions.types for code, one in self._view(name).items())
        return {(name, code): refusal for name, code, refusal in found if refusal}

    def awaited(self) -> dict[Key, str]:
        """Every parameter that the index ought to have and does not have yet, by its digest: what a reindex is for."""
        usable = {key: one.digest for key, one in self.proposed.usable().items() if one.digest}
        entries = self.listing.entries if self.listing else {}
        return {
            key: digest for key, digest in {**usable, **self.digests()}.items() if activation.refusal(entries.get(key), digest) is not None
        }

    def kept_up(self, type: str) -> dict[str, str]:
        """What every write of this process makes rows for, of `type`: the digests by code."""
        entries = self.listing.entries if self.listing else {}
        found = {code: digest for (name, code), digest in self.digests().items() if name == type}
        for code in self._adopted(type):
            digest = self.digest_of(entries[type, code])
            if digest is not None:
                found[code] = digest
        return found

    def objections(self, resource: Row) -> tuple[str, ...]:
        """Why a SearchParameter resource would not be searched by, for each type that it cannot be for."""
        alone = proposals(self._foreign([resource]), self.definitions.types, self._plan_parameter, self._compiled)
        return tuple(f"'{one.code}' of {one.type} cannot be searched: {one.refusal}" for one in alone.refused())

    def digest_of(self, entry: activation.Listed) -> str | None:
        """The digest with which writes of this process keep up a listed parameter; None when they do not."""
        if entry.definition is None or self._plan_parameter(*entry.key) is not None:
            return self.digests().get(entry.key)
        return self._compiled(entry.type, entry.definition)[0]

    def extract(self, type: str, tree: Json, created: int | None = None) -> Extracted:
        """What a resource puts into the index. `created`: the stamp of its first version (microseconds), for computed parameters."""
        plan, rows = self._plan(type), Rows()
        extract.walk(tree, plan.tree, rows)
        self._add_others(type, rows)
        dates = [date for date in rows.date if date[0] == plan.main_key]
        for adopted in self._adopted(type).values():
            extract.walk(tree, adopted.tree, rows)
        for one in self._computed(type).values():
            if one.rows is not None:
                one.rows(tree, created, rows)
        return Extracted(rows, min((date[2] for date in dates), default=MISSING), max((date[3] for date in dates), default=MISSING))

    def references_of(self, type: str) -> tuple[str, ...]:
        """The reference parameters of `type`, whether they can be searched or not."""
        return tuple(code for code, parameter in self._view(type).items() if parameter.kind == "reference")

    def reference_codes(self, type: str) -> tuple[str, ...]:
        """The reference parameters of `type` that can be searched."""
        return tuple(code for code, parameter in self.for_type(type).items() if parameter.kind == "reference")

    def compartment(self, kind: str, type: str) -> tuple[str, ...]:
        """The parameters that put a resource of `type` into a compartment of `kind`; `_id` for what it is about, () for no part in it."""
        return self.compartments.get(kind, {}).get(type, ())

    def belonging(self, kind: str, type: str) -> TypePlan:
        """The parameters that put a resource of `type` into a compartment of `kind`, alone: what they extract, and nothing else."""
        codes, known = self.compartment(kind, type), self._of_type(type)
        rows = [known[code] for code in codes if code in known]
        return type_plan(type, rows, self.definitions, self.reading, tuple(known.values()))

    def referring_keys(self, type: str) -> tuple[int, ...]:
        """The index parameters under which a reference to a resource of `type` may stand, whether they can be searched or not."""
        keys = {self.other_key(name) for name in self.definitions.types}
        for name in self.definitions.types:
            plans = (self._plan(name), *self._adopted(name).values())
            for parameter in (one for plan in plans for one in plan.parameters.values() if not one.refusal):
                if parameter.kind == "reference" and (not parameter.targets or type in parameter.targets):
                    keys.update(parameter.keys)
        return tuple(sorted(keys))

    def _foreign(self, posted: Iterable[Row]) -> list[Row]:
        """Without the clinic's own, which are in the record to be read."""
        return [row for row in posted if row.get("url") not in self._own]

    def _add_others(self, type: str, rows: Rows) -> None:
        known = {(id, number) for _, id, number in rows.reference} if rows.literals else set()
        for literal in rows.literals:
            for id, number in self.reading.literals.targets(literal):
                if number and (id, number) not in known:
                    rows.reference.add((self.other_key(type), id, number))

    def _of_type(self, type: str) -> dict[str, Row]:
        """The definitions that R4 and the clinic have for a type, by code."""
        bases = (type, *ROOTS)
        return {row["code"]: row for row in self._rows if any(base in bases for base in row["base"])}

    def _planned(self, type: str) -> TypePlan:
        rows = [row for row in self._of_type(type).values() if not is_computed(row)]
        plan = type_plan(type, rows, self.definitions, self.reading)
        own = {code: one.parameter for code, one in self._computed(type).items()}
        return replace(plan, parameters=MappingProxyType(dict(sorted({**plan.parameters, **own}.items()))))

    def _computed_of(self, type: str) -> Mapping[str, Computed]:
        return {code: computed(type, row, self.reading) for code, row in self._of_type(type).items() if is_computed(row)}

    def _plan_parameter(self, type: str, code: str) -> SearchParameter | None:
        """A parameter that R4 or the clinic defines."""
        return self._plan(type).parameters.get(code) if type in self.definitions.types else None

    def _digests(self) -> Mapping[Key, str]:
        """The digest of every parameter with rows that R4 and the clinic define for the served types."""
        found = ((name, code, self._digest(name, one, row)) for name in self.definitions.types for code, one, row in self._compilable(name))
        return {(name, code): digest for name, code, digest in found if digest}

    def _compilable(self, type: str) -> Iterator[tuple[str, SearchParameter, Row]]:
        rows = self._of_type(type)
        return ((code, one, rows[code]) for code, one in self._plan(type).parameters.items() if not one.refusal)

    def _digest(self, type: str, parameter: SearchParameter, row: Row) -> str | None:
        known = self._plan(type).parameters
        owners = {parameter_key(type, one.code): one for one in known.values()}
        main = next((one for one in known.values() if one.main), None)
        return activation.digest(parameter, row, [owners.get(key, parameter) for key in parameter.keys], main, self._zone)

    def _compiled(self, type: str, row: Row) -> tuple[str | None, str | None]:
        """The digest of a parameter that a resource of the record defines, and why it cannot be compiled."""
        if taken := self._taken(type, row["code"]):
            return None, taken
        parameter = self._alone(type, row).parameters[row["code"]]
        return (None, parameter.refusal) if parameter.refusal else (self._digest(type, parameter, row), None)

    def _taken(self, type: str, code: str) -> str | None:
        for suffix in ("", *BESIDES):
            owner = self._keys.get(parameter_key(type, code + suffix))
            if owner is not None and owner != f"{type}.{code}{suffix}":
                return f"its key in the index is that of {owner}; give it another code"
        return None

    def _alone(self, type: str, row: Row) -> TypePlan:
        """A plan of one parameter, which shares no rows and is not the main date: what R4 defines does not depend on it."""
        plan = type_plan(type, [row], self.definitions, self.reading, tuple(self._of_type(type).values()))
        return replace(plan, parameters={code: replace(one, main=False) for code, one in plan.parameters.items()})

    def _adopted_of(self, type: str) -> Mapping[str, TypePlan]:
        """The plans of the parameters that resources of the record define and whose rows are made."""
        entries = self.listing.entries.values() if self.listing else ()
        return {
            one.code: self._alone(type, one.definition)
            for one in entries
            if one.type == type and one.definition is not None and one.state != DROPPING and self._plan_parameter(*one.key) is None
        }

    def _viewed(self, type: str) -> Mapping[str, SearchParameter]:
        """The parameters of a type by code, with what the listing says of them."""
        if self.listing is None:
            return self._plan(type).parameters
        found = {}
        for (name, code), one in self.proposed.first.items():
            if name == type:
                kind, url = str(one.row.get("type")), str(one.row.get("url"))
                found[code] = SearchParameter(type, code, kind, url, refusal=one.refusal or activation.NOT_INDEXED)
        for code, plan in self._adopted(type).items():
            found[code] = self._judged(plan.parameters[code], code in found)
        for code, parameter in self._plan(type).parameters.items():
            digest = self.digests().get((type, code))
            why = activation.refusal(self.listing.entries.get((type, code)), digest) if digest else None
            found[code] = replace(parameter, refusal=why) if why else parameter
        return MappingProxyType(dict(sorted(found.items())))

    def _judged(self, parameter: SearchParameter, is_proposed: bool) -> SearchParameter:
        """An adopted parameter: refused unless it is active and its resource still says the same."""
        assert self.listing is not None
        entry, proposal = self.listing.entries[parameter.type, parameter.code], self.proposed.first.get((parameter.type, parameter.code))
        if not is_proposed or proposal is None or proposal.digest != entry.digest:
            unkept = entry.digest == activation.FOREIGN and proposal is not None
            return replace(parameter, refusal=activation.NOT_INDEXED if unkept else activation.CHANGED)
        return replace(parameter, refusal=activation.refusal(entry, entry.digest))
