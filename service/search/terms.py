"""`:in`, `:not-in`, `:above` and `:below` on codes, answered from the value sets and code systems that are stored here.

Each becomes a plain match of the codes that it comes to, before the search is compiled; `:above` and `:below` on references
are those of `search.hierarchy`. Several values of one parameter are united: `:in=a,b` is a code of a or of b, `:not-in=a,b` one of
neither. What cannot be looked up is refused, never left out. https://hl7.org/fhir/R4/search.html#token
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from service.errors import BadRequest
from service.search import hierarchy
from service.search.parameter import Registry, SearchParameter
from service.search.query import LOOKED_UP, All, Any, Chain, Clause, Filter, Has, Match, Not, Query, Token, Uri
from service.search.result_parameters import refused
from service.search.vocabulary import Vocabulary
from service.storage.database import Transaction
from service.terminology import expansion, subsumption
from service.terminology.lookup import Unanswerable

MOST_CODES = 5000
"""Codes that one parameter may come to."""

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_CODED = frozenset({"code", "Coding", "CodeableConcept"})
_MENDS = {
    "value-set": "POST it as a ValueSet, or name one that is stored: by its canonical URL, url|version or ValueSet/id",
    "code-system": "POST it as a CodeSystem",
    "unknown-code": "Name a code that it has, or store a CodeSystem that has this one",
    "code-system-content": "POST it as a CodeSystem with its concepts",
    "value-set-size": "Name a smaller value set or a lower code",
}
Pair = tuple[str, str]


def expanded(tx: Transaction, registry: Registry, query: Query) -> Query:
    """`query` with everything that depends on stored terminology or hierarchies replaced by what it comes to; `query` itself when
    there is nothing. Raises BadRequest that names what is not stored, too large or meaningless."""
    if not any(map(_asks, query.where)):
        return query
    expander = _Expander(tx, registry, Vocabulary(tx, registry))
    return replace(query, where=tuple(expander.clause(query.type, clause, "") for clause in query.where))


def _asks(clause: Clause) -> bool:
    if isinstance(clause, Match):
        return clause.modifier in LOOKED_UP
    if isinstance(clause, All | Any):
        return any(map(_asks, clause.clauses))
    if isinstance(clause, Chain):
        return any(_asks(below) for _, below in clause.targets)
    return isinstance(clause, Not | Filter | Has) and _asks(clause.clause)


@dataclass(slots=True)
class _Expander:
    """Rewrites clauses; `place` is what leads to them, such as `subject.` of a chain."""

    tx: Transaction
    registry: Registry
    vocabulary: Vocabulary
    sets: dict[str, Iterable[Pair]] = field(default_factory=dict)

    def clause(self, type: str, clause: Clause, place: str) -> Clause:
        """The clause of that type without modifiers that have to be looked up."""
        if isinstance(clause, Match):
            return self._match(type, clause, place) if clause.modifier in LOOKED_UP else clause
        if isinstance(clause, All | Any):
            return replace(clause, clauses=tuple(self.clause(type, one, place) for one in clause.clauses))
        if isinstance(clause, Not | Filter):
            return replace(clause, clause=self.clause(type, clause.clause, place))
        if isinstance(clause, Chain):
            within = f"{place}{clause.parameter}{':' + clause.type if clause.type else ''}."
            return replace(clause, targets=tuple((name, self.clause(name, below, within)) for name, below in clause.targets))
        if isinstance(clause, Has):
            within = f"{place}_has:{clause.type}:{clause.parameter}:"
            return replace(clause, clause=self.clause(clause.type, clause.clause, within))
        return clause

    def _match(self, type: str, match: Match, place: str) -> Clause:
        parameter = self.registry.parameter(type, match.parameter)
        name = f"{place}{match.parameter}:{match.modifier}"
        if parameter is None or parameter.kind == "uri":
            return match
        if parameter.kind == "reference":
            return hierarchy.around(self.tx, self.registry, parameter, match, name)
        _require_coded(parameter, name)
        try:
            pairs = sorted(self._pairs(match))
        except Unanswerable as error:
            raise _refusal(error, name) from None
        if match.modifier == "not-in":
            return Not(_any(match.parameter, pairs)) if pairs else All(())
        return _any(match.parameter, pairs)

    def _pairs(self, match: Match) -> set[Pair]:
        """The codes that the values of the match come to. Raises Unanswerable."""
        pairs: set[Pair] = set()
        for value in match.values:
            if isinstance(value, Uri):
                pairs.update(self._set(value.uri))
            elif isinstance(value, Token):
                pairs.update(self._near(value, match.modifier == "above"))
            if len(pairs) > MOST_CODES:
                raise Unanswerable("too-costly", "value-set-size", f"it comes to more than {MOST_CODES} codes")
        return pairs

    def _set(self, text: str) -> Iterable[Pair]:
        """The codes of the value set that `text` names: looked up once, however many types a chain goes to."""
        if text not in self.sets:
            self.sets[text] = self._expansion(text).members
        return self.sets[text]

    def _expansion(self, text: str) -> expansion.Expansion:
        """The value set at a canonical URL, or at `ValueSet/id`, an id or the URL of the resource here."""
        limits = expansion.Limits(codes=MOST_CODES, details=False)
        id = self._id(text)
        if id is not None and (":" not in text or self.vocabulary.value_set(text, None) is None):
            tree = self.vocabulary.value_set_by_id(id)
            if tree is None:
                raise Unanswerable("not-found", "value-set", f"there is no ValueSet/{id}")
            return expansion.of(self.vocabulary, tree, limits)
        return expansion.expanded(self.vocabulary, text, limits)

    def _id(self, text: str) -> str | None:
        """The id, when `text` is a literal reference to a ValueSet here."""
        literal = self.registry.reading.literals.local(text)
        if literal is not None:
            return literal.id if literal.type == "ValueSet" and not literal.version else None
        return text if _ID.fullmatch(text) else None

    def _near(self, token: Token, above: bool) -> set[Pair]:
        """The code and all codes above or below it."""
        if not token.system or not token.code:
            direction = "above" if above else "below"
            raise Unanswerable("invalid", "search-value", f"':{direction}' needs the code system and the code, as in 'system|code'")
        system = self.vocabulary.code_system(token.system, None)
        if system is None:
            raise Unanswerable("not-found", "code-system", f"the code system {token.system[:200]!r} is not stored here")
        if system.content not in ("complete", "fragment"):
            raise Unanswerable(
                "not-supported",
                "code-system-content",
                f"the codes of {token.system[:200]!r} are not stored here: its content is {system.content!r}",
            )
        walk = subsumption.above if above else subsumption.below
        return {(token.system, concept.code) for concept in walk(system, token.code)}


def _any(parameter: str, pairs: list[Pair]) -> Match | Any:
    return Match(parameter, tuple(Token(code, system) for system, code in pairs)) if pairs else Any(())


def _require_coded(parameter: SearchParameter, name: str) -> None:
    if parameter.elements and parameter.elements.isdisjoint(_CODED):
        raise refused(
            "invalid", "search-modifier", f"'{parameter.code}' holds no codes of a code system, so '{name[:80]}' has no meaning.", name
        )


def _refusal(error: Unanswerable, name: str) -> BadRequest:
    mend = _MENDS.get(error.rule)
    return refused(error.code, error.rule, f"'{name[:80]}': {error}.{' ' + mend + '.' if mend else ''}", name)
