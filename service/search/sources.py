"""What an extractor must know of the place that it reads: the keys of its rows, and the code systems of plain codes."""

from collections.abc import Mapping

from service.fhir.definitions import Definitions
from service.search.element_paths import Leaf
from service.search.keys import parameter_key, system_key
from service.search.types.protocol import Reading, Source

IDENTIFIER = ":identifier"
TEXT = ":text"
OF_TYPE = ":of-type"
BESIDES = (IDENTIFIER, TEXT, OF_TYPE)
"""What is appended to the code of a parameter for the rows that its modifiers look at."""


def source(type: str, code: str, leaf: Leaf, definitions: Definitions, reading: Reading) -> Source:
    """The place `leaf`, read for the parameter `code` of `type`."""
    return Source(
        element=leaf.type,
        key=parameter_key(type, code),
        identifier_key=parameter_key(type, code + IDENTIFIER),
        text_key=parameter_key(type, code + TEXT),
        of_type_key=parameter_key(type, code + OF_TYPE),
        zone=reading.zone,
        literals=reading.literals,
        code_systems=_code_systems(leaf, definitions),
    )


def _code_systems(leaf: Leaf, definitions: Definitions) -> Mapping[str, int]:
    """The system of each code of a `code` element, where its required binding leaves no doubt."""
    if leaf.type != "code" or leaf.element is None or leaf.element.binding is None:
        return {}
    systems: dict[str, set[str]] = {}
    for system, code in definitions.codes(leaf.element.binding.value_set) or ():
        systems.setdefault(code, set()).add(system)
    return {code: system_key(next(iter(known))) for code, known in systems.items() if len(known) == 1}
