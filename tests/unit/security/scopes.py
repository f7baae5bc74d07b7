"""Scopes for the tests: the grammar of one base URL, and strategies that draw scopes which it reads."""

from hypothesis import strategies as st

from service.fhir import definitions
from service.security.clinical import ANY
from service.security.grant import Grant
from service.security.granular import ALLOWED, EVERY_TYPE, Condition, parameter
from service.security.scope import NAMES, AnyScope, Grammar, Named, Scope, ordered

BASE = "https://clinic.example/fhir"
DEFINITIONS = definitions.load()
GRAMMAR = Grammar(BASE, frozenset(DEFINITIONS.all_types))
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
VITAL_SIGNS = f"category={CATEGORY}|vital-signs"
LABORATORY = f"category={CATEGORY}|laboratory"

_TYPES = (ANY, "Patient", "Observation", "Encounter", "Medication", "AuditEvent", "Subscription")
_V1 = {"rs", "cud", "cruds"}


def grant(text: str) -> Grant:
    """The grant of scopes that are all understood."""
    return Grant.of(GRAMMAR.scopes(text))


def fhir(text: str) -> Scope:
    """A scope on FHIR resources."""
    found = GRAMMAR.scope(text)
    assert isinstance(found, Scope)
    return found


@st.composite
def conditions(draw: st.DrawFn, type: str) -> Condition:
    """A condition that a scope on `type` may have, of few values so that some are equal."""
    name = draw(st.sampled_from(sorted({*EVERY_TYPE, *ALLOWED.get(type, {})})))
    found = parameter(type, name)
    assert found is not None
    system = "" if found.is_code else draw(st.sampled_from(["urn:oid:1.2", "http://x.example/a"]))
    return Condition(name, system, draw(st.sampled_from("ab")))


@st.composite
def fhir_scopes(draw: st.DrawFn) -> Scope:
    """Any scope on FHIR resources; some in the words of v1."""
    type = draw(st.sampled_from(_TYPES))
    letters = ordered(draw(st.sets(st.sampled_from("cruds"), min_size=1)))
    found = tuple(sorted(draw(st.sets(conditions(type), max_size=3))))
    is_v1 = not found and letters in _V1 and draw(st.booleans())
    return Scope(draw(st.sampled_from(["patient", "user", "system"])), type, letters, found, is_v1)


def any_scopes() -> st.SearchStrategy[AnyScope]:
    """Any scope."""
    return st.one_of(fhir_scopes(), st.sampled_from([Named(BASE, name) for name in NAMES]))


def grants() -> st.SearchStrategy[Grant]:
    """A few scopes together."""
    return st.lists(any_scopes(), max_size=5).map(Grant.of)
