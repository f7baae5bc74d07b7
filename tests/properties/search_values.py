"""What resources hold for each search parameter that the samples use: one hand-written accessor per parameter.

VALUES[type][parameter] == (kind, accessor), the accessor giving every value of a resource in the form of its kind:
string str · token Token · code Token (a system is implied) · date Range · number Span · quantity Measured
reference Pointer · uri str · composite (values of the first component, values of the second) of one element
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.properties.search_spans import Span, span, when

Json = Any
BOOLEANS = "http://terminology.hl7.org/CodeSystem/special-values"


@dataclass(frozen=True)
class Token:
    """A code with its system, what is printed beside it, and for an identifier the codings of its type."""

    system: str
    code: str
    texts: tuple[str, ...] = ()
    types: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Measured:
    """A number or a range of numbers with its unit."""

    span: Span
    system: str = ""
    code: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Pointer:
    """A reference: the literal as it is written, and its identifier as a token."""

    literal: str = ""
    identifier: tuple[Token, ...] = field(default=())


Accessor = Callable[[Json], list[Any]]
Parameter = tuple[str, Accessor]


def each(tree: Json, path: str) -> Iterator[Json]:
    """Every element at a dotted path; lists are gone through."""
    name, _, rest = path.partition(".")
    found = tree.get(name)
    for one in found if isinstance(found, list) else [] if found is None else [found]:
        if rest:
            yield from each(one, rest)
        else:
            yield one


def _all(read: Callable[[Json], list[Any]], *paths: str) -> Accessor:
    return lambda one: [value for path in paths for element in each(one, path) for value in read(element)]


def _concept(value: Json) -> list[Token]:
    text = (value["text"],) if "text" in value else ()
    found = [_coding(one)[0] for one in value.get("coding", ())]
    return [Token(one.system, one.code, one.texts + text) for one in found] or ([Token("", "", text)] if text else [])


def _coding(value: Json) -> list[Token]:
    return [Token(value.get("system", ""), value.get("code", ""), (value["display"],) if "display" in value else ())]


def _identifier(value: Json) -> list[Token]:
    types = value.get("type", {}).get("coding", ())
    text = (value["type"]["text"],) if "text" in value.get("type", {}) else ()
    return [Token(value.get("system", ""), value["value"], text, tuple((one["system"], one["code"]) for one in types))]


def _pointer(value: Json) -> list[Pointer]:
    identifier = tuple(_identifier(value["identifier"])) if "identifier" in value else ()
    return [Pointer(value.get("reference", ""), identifier)]


def _quantity(value: Json) -> list[Measured]:
    if "origin" in value:
        samples = [Fraction(one) for one in value["data"].split()]
        return [_measured(Span(min(samples), max(samples)), value["origin"])] if samples else []
    if "low" in value or "high" in value:
        low, high = (Fraction(str(value[end]["value"])) if end in value else None for end in ("low", "high"))
        return [_measured(Span(low, high), value.get("low") or value["high"])]
    return [_measured(span(Fraction(str(value["value"])), value.get("comparator")), value)] if "value" in value else []


def _measured(covered: Span, unit: Json) -> Measured:
    return Measured(covered, unit.get("system", ""), unit.get("code", ""), unit.get("unit", ""))


def _parts(value: Json) -> list[str]:
    """Of a name or an address."""
    names = ("family", "given", "prefix", "suffix", "text", "line", "city", "district", "state", "postalCode", "country")
    return [part for name in names for part in each(value, name)]


def _number(value: Json) -> list[Span]:
    if isinstance(value, dict):
        low, high = (Fraction(str(value[end]["value"])) if end in value else None for end in ("low", "high"))
        return [Span(low, high)]
    return [span(Fraction(str(value)))]


def concept(*paths: str) -> Parameter:
    """CodeableConcepts."""
    return "token", _all(_concept, *paths)


def coding(*paths: str) -> Parameter:
    """Codings."""
    return "token", _all(_coding, *paths)


def identifier(*paths: str) -> Parameter:
    """Identifiers."""
    return "token", _all(_identifier, *paths)


def plain(*paths: str) -> Parameter:
    """Text that is searched as a token, without a system."""
    return "token", _all(lambda text: [Token("", text)], *paths)


def contact(*systems: str) -> Parameter:
    """`telecom`, of some systems or of all."""
    return "token", lambda one: [Token("", part["value"]) for part in each(one, "telecom") if not systems or part.get("system") in systems]


def flag(path: str) -> Parameter:
    """A boolean."""
    return "token", _all(lambda value: [Token(BOOLEANS, str(value).lower())], path)


def code(path: str, system: str) -> Parameter:
    """A code element with the system of its value set."""
    return "code", _all(lambda value: [Token(system, value)], path)


def string(*paths: str) -> Parameter:
    """Texts, and the parts of names and addresses."""
    return "string", _all(lambda value: _parts(value) if isinstance(value, dict) else [value], *paths)


def date(*paths: str) -> Parameter:
    """Dates, Periods and Timings."""
    return "date", _all(lambda value: [covered] if (covered := when(value)) else [], *paths)


def number(*paths: str) -> Parameter:
    """Numbers, and Ranges of numbers."""
    return "number", _all(_number, *paths)


def quantity(*paths: str) -> Parameter:
    """Quantities, Ranges and SampledData."""
    return "quantity", _all(_quantity, *paths)


def reference(*paths: str, only: str = "") -> Parameter:
    """References; with `only` those to a resource here of that type. An identifier says nothing about the type, so it stays."""
    read = _all(_pointer, *paths)
    return "reference", lambda one: [left for found in read(one) if (left := _narrowed(found, only))]


def _narrowed(found: Pointer, only: str) -> Pointer | None:
    own = found.literal.removeprefix("http://clinic.example/fhir/")
    kept = found if not only or own.startswith(only + "/") else Pointer("", found.identifier)
    return kept if kept.literal or kept.identifier else None


def uri(*paths: str) -> Parameter:
    """URIs."""
    return "uri", _all(lambda text: [text], *paths)


def canonical(*paths: str) -> Parameter:
    """Canonical URLs, which answer with and without version."""
    return "uri", _all(lambda text: sorted({text, text.split("|")[0].split("#")[0]} - {""}), *paths)


def composite(elements: tuple[str, ...], first: Parameter, second: Parameter) -> Parameter:
    """Two parameters of one element; "" is the resource itself."""

    def read(one: Json) -> list[Any]:
        parts = [part for path in elements for part in (each(one, path) if path else [one])]
        read = [((first[0], first[1](part)), (second[0], second[1](part))) for part in parts]
        return [pair for pair in read if all(found for _, found in pair)]

    return "composite", read


_EVERY = {"_id": plain("id"), "_tag": coding("meta.tag"), "_security": coding("meta.security"), "_profile": canonical("meta.profile")}
_ADDRESS = {
    "address": string("address"),
    "address-city": string("address.city"),
    "address-use": code("address.use", "http://hl7.org/fhir/address-use"),
}
_HL7 = "http://hl7.org/fhir/"

VALUES: dict[str, dict[str, Parameter]] = {
    "Patient": {
        "name": string("name"),
        "family": string("name.family"),
        "given": string("name.given"),
        **_ADDRESS,
        "gender": code("gender", _HL7 + "administrative-gender"),
        "birthdate": date("birthDate"),
        "identifier": identifier("identifier"),
        "active": flag("active"),
        "phone": contact("phone"),
        "telecom": contact(),
        "general-practitioner": reference("generalPractitioner"),
        "link": reference("link.other"),
    },
    "Encounter": {
        "date": date("period"),
        "status": code("status", _HL7 + "encounter-status"),
        "class": coding("class"),
        "patient": reference("subject", only="Patient"),
        "subject": reference("subject"),
        "part-of": reference("partOf"),
        "location": reference("location.location"),
        "location-period": date("location.period"),
        "length": quantity("length"),
        "service-provider": reference("serviceProvider"),
        "identifier": identifier("identifier"),
        "diagnosis": reference("diagnosis.condition"),
        "type": concept("type"),
    },
    "Observation": {
        "date": date("effectiveDateTime", "effectivePeriod", "effectiveInstant", "effectiveTiming"),
        "status": code("status", _HL7 + "observation-status"),
        "category": concept("category"),
        "code": concept("code"),
        "component-code": concept("component.code"),
        "combo-code": concept("code", "component.code"),
        "value-quantity": quantity("valueQuantity", "valueSampledData"),
        "component-value-quantity": quantity("component.valueQuantity", "component.valueSampledData"),
        "combo-value-quantity": quantity("valueQuantity", "valueSampledData", "component.valueQuantity", "component.valueSampledData"),
        "value-concept": concept("valueCodeableConcept"),
        "component-value-concept": concept("component.valueCodeableConcept"),
        "combo-value-concept": concept("valueCodeableConcept", "component.valueCodeableConcept"),
        "value-string": string("valueString", "valueCodeableConcept.text"),
        "value-date": date("valueDateTime", "valuePeriod"),
        "patient": reference("subject", only="Patient"),
        "subject": reference("subject"),
        "encounter": reference("encounter"),
        "performer": reference("performer"),
        "part-of": reference("partOf"),
        "has-member": reference("hasMember"),
        "identifier": identifier("identifier"),
        "code-value-quantity": composite(("",), concept("code"), quantity("valueQuantity")),
        "code-value-concept": composite(("",), concept("code"), concept("valueCodeableConcept")),
        "code-value-string": composite(("",), concept("code"), string("valueString")),
        "code-value-date": composite(("",), concept("code"), date("valueDateTime", "valuePeriod")),
        "component-code-value-quantity": composite(("component",), concept("code"), quantity("valueQuantity")),
        "component-code-value-concept": composite(("component",), concept("code"), concept("valueCodeableConcept")),
        "combo-code-value-quantity": composite(("", "component"), concept("code"), quantity("valueQuantity")),
        "combo-code-value-concept": composite(("", "component"), concept("code"), concept("valueCodeableConcept")),
    },
    "MedicationAdministration": {
        "status": code("status", "http://terminology.hl7.org/CodeSystem/medication-admin-status"),
        "code": concept("medicationCodeableConcept"),
        "medication": reference("medicationReference"),
        "patient": reference("subject", only="Patient"),
        "subject": reference("subject"),
        "context": reference("context"),
        "effective-time": date("effectiveDateTime", "effectivePeriod"),
        "performer": reference("performer.actor"),
        "reason-given": concept("reasonCode"),
        "identifier": identifier("identifier"),
    },
    "Medication": {
        "code": concept("code"),
        "lot-number": plain("batch.lotNumber"),
        "expiration-date": date("batch.expirationDate"),
        "manufacturer": reference("manufacturer"),
        "status": code("status", _HL7 + "CodeSystem/medication-status"),
        "ingredient": reference("ingredient.itemReference"),
        "ingredient-code": concept("ingredient.itemCodeableConcept"),
    },
    "Location": {
        "name": string("name", "alias"),
        **_ADDRESS,
        "status": code("status", _HL7 + "location-status"),
        "partof": reference("partOf"),
        "organization": reference("managingOrganization"),
        "type": concept("type"),
        "identifier": identifier("identifier"),
    },
    "Organization": {
        "name": string("name", "alias"),
        **_ADDRESS,
        "active": flag("active"),
        "partof": reference("partOf"),
        "type": concept("type"),
        "identifier": identifier("identifier"),
    },
    "AdverseEvent": {
        "actuality": code("actuality", _HL7 + "adverse-event-actuality"),
        "date": date("date"),
        "event": concept("event"),
        "location": reference("location"),
        "subject": reference("subject"),
        "severity": concept("severity"),
        "substance": reference("suspectEntity.instance"),
        "resultingcondition": reference("resultingCondition"),
    },
    "Condition": {
        "code": concept("code"),
        "clinical-status": concept("clinicalStatus"),
        "onset-age": quantity("onsetAge", "onsetRange"),
        "onset-date": date("onsetDateTime", "onsetPeriod"),
        "onset-info": string("onsetString"),
        "patient": reference("subject", only="Patient"),
        "subject": reference("subject"),
        "encounter": reference("encounter"),
        "asserter": reference("asserter"),
        "recorded-date": date("recordedDate"),
        "evidence-detail": reference("evidence.detail"),
    },
    "RiskAssessment": {
        "probability": number("prediction.probabilityDecimal", "prediction.probabilityRange"),
        "risk": concept("prediction.qualitativeRisk"),
        "subject": reference("subject"),
        "patient": reference("subject", only="Patient"),
        "condition": reference("condition"),
        "date": date("occurrenceDateTime"),
        "encounter": reference("encounter"),
    },
    "List": {
        "item": reference("entry.item"),
        "title": string("title"),
        "status": code("status", _HL7 + "list-status"),
        "subject": reference("subject"),
        "patient": reference("subject", only="Patient"),
        "notes": string("note.text"),
        "date": date("date"),
    },
    "ValueSet": {
        "url": uri("url"),
        "version": plain("version"),
        "name": string("name"),
        "reference": uri("compose.include.system"),
        "code": plain("expansion.contains.code", "compose.include.concept.code"),
    },
    "CodeSystem": {"url": uri("url"), "system": uri("url"), "version": plain("version"), "name": string("name")},
}
for _parameters in VALUES.values():
    _parameters.update(_EVERY)
