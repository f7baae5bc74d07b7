"""What an operation returned, a Parameters resource, as rows of a table (https://hl7.org/fhir/R4/parameters.html)."""

from collections.abc import Iterator
from dataclasses import dataclass

from service.web.pages import summary
from service.web.pages.summary import Tree


@dataclass(frozen=True, slots=True)
class Row:
    """One parameter: its name, and the resource or the element of Meta in a few words."""

    name: str
    what: str
    details: str


def rows(tree: Tree) -> list[Row]:
    """The parameters of `tree` in their order; a Meta has a row for each of its elements."""
    return [row for parameter in tree.get("parameter", ()) if isinstance(parameter, dict) for row in _rows(parameter)]


def _rows(parameter: Tree) -> Iterator[Row]:
    name, resource, meta = str(parameter.get("name", "")), parameter.get("resource"), parameter.get("valueMeta")
    if isinstance(resource, dict):
        yield Row(name, summary.label(resource) or str(resource.get("resourceType", "")), summary.details(resource))
    elif isinstance(meta, dict):
        for member, value in meta.items():
            for one in value if isinstance(value, list) else [value]:
                yield Row(name, member, summary.text_of(one))
    elif "part" in parameter:
        parts = [part for part in parameter["part"] if isinstance(part, dict)]
        yield Row(name, "", " · ".join(f"{part.get('name')}: {_text(part)}" for part in parts))
    else:
        yield Row(name, "", _text(parameter))


def _text(parameter: Tree) -> str:
    """The value in a few words; a code with its display."""
    value = next((value for member, value in parameter.items() if member.startswith("value")), "")
    if isinstance(value, bool):
        return "true" if value else "false"
    words = summary.text_of(value)
    code = value.get("code", "") if isinstance(value, dict) else ""
    return f"{code} {words}" if code and code != words else words
