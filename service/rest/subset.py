"""`_summary` and `_elements`: a part of a resource (https://hl7.org/fhir/R4/search.html#summary, #elements).

A part is tagged SUBSETTED, so that nobody takes it for the whole and writes it back. What is shown keeps its characters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from service.errors import BadRequest
from service.fhir.document import member_texts, object_text, stored
from service.fhir.rewrite import spliced
from service.records.context import Context
from service.rest import preference
from service.rest.exchange import Call

SUMMARIES = ("true", "text", "data", "count", "false")
SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED", "display": "subsetted"}

_ALWAYS = frozenset({"resourceType", "id", "meta"})


@dataclass(frozen=True, slots=True)
class View:
    """What to show of a resource: a summary mode, or named top-level elements. Neither: everything."""

    summary: str | None = None
    elements: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether nothing is left out."""
        return self.summary in (None, "false") and not self.elements


def view(call: Call, extra: Sequence[str] = ()) -> View:
    """The view that a read asks for. BadRequest for parameters that a read does not have (but `extra`), or unknown values of `_summary`."""
    summary: str | None = None
    elements: tuple[str, ...] = ()
    for name, value in call.query:
        if name == "_summary":
            summary = value
        elif name == "_elements":
            elements = tuple(part.strip() for part in value.split(",") if part.strip())
        elif name not in extra and not preference.parse(call.header("prefer")).lenient:
            raise BadRequest.of(
                "not-supported",
                "parameter-unknown",
                f"A read has no parameter {name[:40]!r}. It has _format, _pretty, _summary and _elements.",
            )
    if summary is not None and (summary not in SUMMARIES or summary == "count"):
        raise BadRequest.of("value", "summary", f"_summary of a read is one of true, text, data and false, not {summary[:20]!r}.")
    return View(summary, elements)


def cut(ctx: Context, text: str, view: View) -> str:
    """The JSON of the part of a resource that `view` shows; `text` itself when it shows all."""
    if view.whole:
        return text
    members = member_texts(text)
    kept = _kept(ctx, stored(members["resourceType"]).tree, view)
    part = {name: value for name, value in members.items() if name in _ALWAYS or _shown(name, kept, view)}
    meta = stored(members.get("meta", "{}"))
    return object_text({**part, "meta": spliced(meta, _tagged(meta.tree)).text})


def _kept(ctx: Context, type: str, view: View) -> frozenset[str]:
    """The members that a view names; mandatory elements are always among them."""
    elements = ctx.service.definitions.structures[type].elements.values()
    mandatory = frozenset(name for element in elements if element.minimum for name in element.properties)
    if view.summary == "true":
        return ctx.service.definitions.summary_elements(type)
    if view.summary == "text":
        return mandatory | {"text"}
    named = frozenset(path.removeprefix(f"{type}.").partition(".")[0] for path in view.elements)
    return mandatory | frozenset(name for element in elements if element.name in named for name in element.properties) | named


def _shown(name: str, kept: frozenset[str], view: View) -> bool:
    if view.summary == "data":
        return name.removeprefix("_") != "text"
    return name.removeprefix("_") in kept


def _tagged(meta: dict[str, Any]) -> dict[str, Any]:
    tags = meta.get("tag", [])
    if any((tag.get("system"), tag.get("code")) == (SUBSETTED["system"], SUBSETTED["code"]) for tag in tags):
        return meta
    return {**meta, "tag": [*tags, SUBSETTED]}
