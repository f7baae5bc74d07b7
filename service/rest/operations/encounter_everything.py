"""`Encounter/[id]/$everything`: the whole chart of a visit, as `records.visit_chart` tells what belongs to it.

https://hl7.org/fhir/R4/encounter-operation-everything.html
"""

from service.rest.operations.everything import PARAMETERS, answered
from service.rest.operations.operation import CLINIC, INSTANCE, Operation

OPERATION = Operation(
    code="everything",
    levels=frozenset({INSTANCE}),
    types=frozenset({"Encounter"}),
    changes_state=False,
    definition=CLINIC + "Encounter-everything",
    documentation="The whole chart of a visit: what belongs to it, the alerts about it, its consents, the Provenance of all, the patient, "
    "and the people, places and products that it refers to. Paged.",
    parameters=PARAMETERS,
    run=answered,
)
