"""A CapabilityStatement as a table of types (https://hl7.org/fhir/R4/capabilitystatement.html)."""

from dataclasses import dataclass

from service.web.pages.site import Site
from service.web.pages.summary import Tree


@dataclass(frozen=True, slots=True)
class TypeRow:
    """One resource type: the link to all of its resources, the interactions and the search parameters that it has."""

    name: str
    link: str
    interactions: tuple[str, ...]
    parameters: tuple[str, ...]


def type_rows(tree: Tree, site: Site) -> list[TypeRow]:
    """The types that the server of the statement `tree` keeps, in the statement's order."""
    return [_type_row(resource, site) for rest in tree.get("rest", ()) for resource in rest.get("resource", ())]


def _type_row(resource: Tree, site: Site) -> TypeRow:
    name = resource.get("type", "")
    return TypeRow(
        name=name,
        link=f"{site.base}/{name}",
        interactions=tuple(part.get("code", "") for part in resource.get("interaction", ())),
        parameters=tuple(part.get("name", "") for part in resource.get("searchParam", ())),
    )
