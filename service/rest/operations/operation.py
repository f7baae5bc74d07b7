"""What an operation is: a declaration that the routes, the CapabilityStatement and openapi.yaml are held to.

https://hl7.org/fhir/R4/operations.html, https://hl7.org/fhir/R4/operationdefinition.html
"""

from collections.abc import Callable
from dataclasses import dataclass

from service.records.context import Context
from service.rest.exchange import Call, FhirResponse
from service.rest.operations.arguments import RESOURCE, Arguments

SYSTEM, TYPE, INSTANCE, VERSION = "system", "type", "instance", "version"

RESOURCES = frozenset({RESOURCE, "CodeSystem", "ConceptMap", "ValueSet"})
"""The types of inputs that are resources."""

STANDARD = "http://hl7.org/fhir/OperationDefinition/"
CLINIC = "https://clinic.example/fhir/OperationDefinition/"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One input: its name, its R4 type, and how often it may come (`many`: any number of times)."""

    name: str
    type: str
    many: bool = False
    required: bool = False


Run = Callable[[Context, Call, Arguments], FhirResponse]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    `levels` say where it stands in the URL, `types` on which resource types (none: on all of them, or below the base). One that
    `changes_state` takes POST alone. `searches`: every search parameter of its type is an input too. `definition` is the URL of its
    OperationDefinition: R4's own, or the clinic's where this server takes or gives more than R4 says. `letter` is that of the scope that a
    caller needs on the type in the URL; None where the functions of the record that it calls ask for theirs. `reports`: it answers with a
    report, which comes as CSV, workbook and PDF too (`rest.formats`).
    """

    code: str
    levels: frozenset[str]
    types: frozenset[str]
    changes_state: bool
    definition: str
    documentation: str
    parameters: tuple[Parameter, ...]
    run: Run
    searches: bool = False
    letter: str | None = None
    reports: bool = False

    @property
    def resource(self) -> tuple[str, str] | None:
        """The name and type of the one input that is a resource: it may come alone, as the body. None where there is none."""
        found = [(one.name, one.type) for one in self.parameters if one.type in RESOURCES]
        return found[0] if len(found) == 1 else None
