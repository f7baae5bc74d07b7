"""An expansion of a value set as rows of a table (https://hl7.org/fhir/R4/valueset-definitions.html#ValueSet.expansion)."""

from dataclasses import dataclass

from service.web.pages.summary import Tree


@dataclass(frozen=True, slots=True)
class Row:
    """One code: its name, its code system, and whether it is a group or inactive."""

    code: str
    display: str
    system: str
    remark: str


def rows(tree: Tree) -> list[Row]:
    """The codes of the expansion in their order."""
    return [_row(one) for one in tree["expansion"].get("contains", ())]


def _row(contained: Tree) -> Row:
    remarks = ("group" if contained.get("abstract") else "", "inactive" if contained.get("inactive") else "")
    return Row(contained.get("code", ""), contained.get("display", ""), contained.get("system", ""), ", ".join(filter(None, remarks)))
