"""The inputs of an operation: from the query string, a form, or a Parameters resource (https://hl7.org/fhir/R4/operations.html#executing).

Primitive inputs are text, as in a query string; complex ones (a Meta, a Coding, a Period) are trees and come in a Parameters
resource only. An input that is a resource comes in Parameters, or alone as the body with the other inputs in the URL. What an operation
does not know is refused by name.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any

from service.errors import BadRequest, Unprocessable
from service.fhir import temporal
from service.fhir.document import Document, Number
from service.fhir.temporal import Interval
from service.records.context import Context
from service.rest import body, query
from service.rest.exchange import Call, Pairs

Argument = str | Mapping[str, Any] | Document
RESOURCE = "Resource"
"""The type of an input that is any resource, also one that is not valid."""

_PARAMETERS = "Parameters"
_MOST = 200
_LONGEST_NUMBER = 30


@dataclass(frozen=True, slots=True)
class Arguments:
    """Names and values in their order."""

    pairs: tuple[tuple[str, Argument], ...] = ()

    def has(self, name: str) -> bool:
        """Whether it was given."""
        return any(one == name for one, _ in self.pairs)

    def text(self, name: str) -> str | None:
        """The one value of a primitive input; None when it was not given."""
        return next(iter(self.texts(name)), None)

    def texts(self, name: str) -> list[str]:
        """The values of a primitive input. BadRequest for one that is not primitive, or empty."""
        found = [value for one, value in self.pairs if one == name]
        for value in found:
            if not isinstance(value, str) or not value.strip():
                raise refused(name, f"'{name}' takes a value of a primitive type.")
        return [value.strip() for value in found if isinstance(value, str)]

    def listed(self, name: str) -> list[str]:
        """The values of an input that may be repeated and may hold several, separated by commas."""
        return [part.strip() for text in self.texts(name) for part in text.split(",") if part.strip()]

    def tree(self, name: str) -> Mapping[str, Any] | None:
        """The one value of a complex input."""
        return next(iter(self.trees(name)), None)

    def trees(self, name: str) -> list[Mapping[str, Any]]:
        """The values of a complex input. BadRequest for text."""
        found = [value for one, value in self.pairs if one == name]
        for value in found:
            if not isinstance(value, Mapping):
                raise refused(name, f"'{name}' is no primitive. Send it by POST, in a Parameters resource.")
        return [value for value in found if isinstance(value, Mapping)]

    def resource(self, name: str) -> Document | None:
        """The one value of an input that is a resource. BadRequest for anything else."""
        found = next((value for one, value in self.pairs if one == name), None)
        if found is not None and not isinstance(found, Document):
            raise refused(name, f"'{name}' is a resource. Send it by POST, as the body or in a Parameters resource.")
        return found

    def flag(self, name: str) -> bool:
        """A boolean; false when it was not given."""
        text = self.text(name)
        if text not in (None, "true", "false"):
            raise refused(name, f"'{name}' takes true or false, not {text[:20]!r}.")
        return text == "true"

    def whole(self, name: str, most: int, least: int = 1) -> int | None:
        """A whole number from `least` to `most`; None when it was not given."""
        text = self.text(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER and least <= int(text) <= most):
            raise refused(name, f"'{name}' takes a whole number from {least} to {most}, not {text[:20]!r}.")
        return int(text)

    def decimal(self, name: str) -> Decimal | None:
        """A positive decimal; None when it was not given."""
        text = self.text(name)
        if text is None:
            return None
        try:
            number = Decimal(text) if len(text) <= _LONGEST_NUMBER else Decimal("NaN")
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite() or number <= 0:
            raise refused(name, f"'{name}' takes a positive number, not {text[:20]!r}.")
        return number

    def moment(self, name: str, zone: tzinfo) -> Interval | None:
        """A date, dateTime or instant as the interval that it covers; None when it was not given."""
        text = self.text(name)
        return None if text is None else interval(name, text, zone)


def read(ctx: Context, call: Call, resource: tuple[str, str] | None = None) -> Arguments:
    """The inputs of a call, from its URL and its body. `resource`: the name and type of the one input that is a resource, if any.

    Unprocessable for Parameters, or an input that is a resource, that are not valid R4; an input of type RESOURCE is not judged.
    """
    pairs: list[tuple[str, Argument]] = list(call.query)
    if call.request.method == "POST":
        pairs += _body(ctx, call, resource)
    if len(pairs) > _MOST:
        raise BadRequest.of("too-costly", "operation-parameter", f"An operation takes at most {_MOST} values. Send fewer.")
    return Arguments(tuple(pairs))


def interval(name: str, text: str, zone: tzinfo) -> Interval:
    """A date of any precision in the input `name`."""
    try:
        return temporal.interval(text.replace(" ", "+"), zone)
    except (ValueError, OverflowError):
        raise refused(name, f"'{name}' takes a date, as 2026-03-14 or 2026-03-14T10:00:00Z, not {text[:40]!r}.") from None


def refused(name: str, diagnostics: str, code: str = "value") -> BadRequest:
    """A 400 about the input `name`."""
    return BadRequest.of(code, "operation-parameter", diagnostics, f"http.{name[:80]}")


def pairs_of(arguments: Arguments, names: Sequence[str] | None = None, without: Sequence[str] = ()) -> Pairs:
    """The primitive inputs as the pairs of a query string: those of `names` (None: all), but for those in `without`."""
    wanted = [name for name, _ in arguments.pairs if (names is None or name in names) and name not in without]
    return tuple((name, text) for name in dict.fromkeys(wanted) for text in arguments.texts(name))


def _body(ctx: Context, call: Call, resource: tuple[str, str] | None) -> Iterator[tuple[str, Argument]]:
    if call.request.document is None and not call.request.body.strip():
        return
    if call.request.document is None and body.media_type(call) == body.FORM:
        yield from query.about_content(query.decode_bytes(call.request.body))
        return
    document = body.resource(ctx, call)
    if resource and document.tree.get("resourceType") != _PARAMETERS:
        _require_valid(ctx, document.tree, resource[1])
        yield resource[0], document
        return
    any_resource = resource is not None and resource[1] == RESOURCE
    _require_valid(ctx, _envelope(document.tree) if any_resource else document.tree, _PARAMETERS)
    for parameter, written in _parameters(document):
        name = parameter["name"]
        if "resource" in parameter:
            _require_type(parameter, resource)
            yield name, written.members()["resource"]
        elif name not in ("_format", "_pretty"):
            yield name, _value(parameter)


def _require_type(parameter: Mapping[str, Any], resource: tuple[str, str] | None) -> None:
    """BadRequest when the input that is a resource is one of another type."""
    if resource and parameter["name"] == resource[0] and resource[1] not in (RESOURCE, parameter["resource"].get("resourceType")):
        raise refused(resource[0], f"'{resource[0]}' takes a {resource[1]}, not a {parameter['resource']['resourceType']}.")


def _parameters(document: Document) -> Iterator[tuple[Mapping[str, Any], Document]]:
    """Each parameter, as a tree and as it was written."""
    if "parameter" in document.tree:
        yield from zip(document.tree["parameter"], document.members()["parameter"].elements(), strict=True)


def _envelope(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    """Parameters without what the resources in it say: those are judged by the operation."""
    given = tree.get("parameter")
    if not isinstance(given, list):
        return tree
    return {**tree, "parameter": [_emptied(one) for one in given]}


def _emptied(parameter: Any) -> Any:
    if isinstance(parameter, Mapping) and isinstance(parameter.get("resource"), Mapping):
        return {**parameter, "resource": {"resourceType": _PARAMETERS}}
    return parameter


def _require_valid(ctx: Context, tree: Mapping[str, Any], type: str) -> None:
    if type == RESOURCE:
        return
    if issues := [issue for issue in ctx.service.gate.check(tree, type) if issue.severity == "error"]:
        raise Unprocessable(tuple(issues))


def _value(parameter: Mapping[str, Any]) -> Argument:
    """A primitive as the text that a query string would hold, anything else as its tree."""
    found = next((value for member, value in parameter.items() if member.startswith("value")), None)
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, Number):
        return found.text
    if isinstance(found, str | int):
        return str(found)
    return found if isinstance(found, Mapping) else parameter
