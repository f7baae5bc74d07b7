"""Datatypes in one call each, and the plain tree of a model.

Amounts are Decimals and instants are ISO text with an offset, from the first builder to the stored JSON: a dose is never a
binary fraction. https://hl7.org/fhir/R4/datatypes.html
"""

from base64 import b64encode
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar

from fhir.resources.R4B.codeableconcept import CodeableConcept
from fhir.resources.R4B.coding import Coding
from fhir.resources.R4B.duration import Duration
from fhir.resources.R4B.identifier import Identifier
from fhir.resources.R4B.meta import Meta
from fhir.resources.R4B.period import Period
from fhir.resources.R4B.quantity import Quantity
from fhir.resources.R4B.reference import Reference
from fhir.resources.R4B.resource import Resource
from pydantic import BaseModel

from service.demo import codes

Model = TypeVar("Model", bound=BaseModel)


def built(model: type[Model], **elements: Any) -> Model:
    """A `model` with `elements`, checked by the model; elements that are None are left out."""
    return model.model_validate({name: value for name, value in elements.items() if value is not None})


def tree(value: Any) -> Any:
    """The plain JSON tree of a model: elements in the order of the specification, decimals exact, instants as text."""
    if isinstance(value, BaseModel):
        members: dict[str, Any] = {"resourceType": type(value).__name__} if isinstance(value, Resource) else {}
        for name, attribute in _attributes(type(value)):
            inner = getattr(value, attribute)
            if inner is not None:
                members[name] = tree(inner)
        return members
    if isinstance(value, list | tuple):
        return [tree(one) for one in value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return b64encode(value).decode("ascii")
    return value


@cache
def _attributes(model: Any) -> tuple[tuple[str, str], ...]:
    """(JSON name, attribute) of each element of a model, in the order of the specification."""
    names = {field.alias or attribute: attribute for attribute, field in model.model_fields.items()}
    order = {name: place for place, name in enumerate(model.elements_sequence())}
    return tuple(sorted(((name, names[name]) for name in order if name in names), key=lambda pair: order[pair[0]]))


def coding(code: codes.Code) -> Coding:
    """One Coding; the display only where the code's source gives it."""
    return built(Coding, system=code.system, code=code.code, display=code.display)


def concept(*several: codes.Code, text: str | None = None) -> CodeableConcept:
    """A CodeableConcept of one or more codings, with text where the codings do not say it all."""
    return built(CodeableConcept, coding=[coding(one) for one in several] or None, text=text)


def quantity(value: Decimal | int, unit: str, shown: str | None = None) -> Quantity:
    """An amount in a UCUM unit; `shown` is what people read where it differs from the UCUM code."""
    return Quantity(value=Decimal(value), unit=shown or unit, system=codes.UCUM, code=unit)


def duration(minutes: int) -> Duration:
    """A Duration in minutes."""
    return Duration(value=Decimal(minutes), unit="min", system=codes.UCUM, code="min")


def identifier(system: str, value: str, kind: str | None = None) -> Identifier:
    """A business identifier in one of the clinic's own systems or a full URI; `kind` is a v2-0203 code (MR, NPI, DEA, VN)."""
    uri = system if ":" in system else codes.SID + system
    return built(Identifier, type=concept(codes.Code(codes.IDENTIFIER_TYPE, kind)) if kind else None, system=uri, value=value)


def named(type_name: str, system: str, value: str) -> Reference:
    """A conditional reference: the one resource of a type that carries an identifier. The server resolves it on write."""
    uri = system if ":" in system else codes.SID + system
    return Reference(reference=f"{type_name}?identifier={uri}|{value}", type=type_name)


def period(start: str, end: str | None = None) -> Period:
    """A Period from ISO texts; without `end` it is still running."""
    return built(Period, start=start, end=end)


def controlled(profile: str | None = None) -> Meta:
    """The meta of a controlled-substance record: the CTLSUB tag sets it apart from ordinary records ("readily retrievable")."""
    return built(Meta, tag=[coding(codes.CONTROLLED)], profile=[profile] if profile else None)
