"""`Patient/[id]/$everything`: the patient, the compartment, its Provenance, and the people, places and products that it refers to.

`start` and `end` are dates of care, `_since` is about when the record was written.
https://hl7.org/fhir/R4/patient-operation-everything.html
"""

from service.rest.operations.everything import CARE_DATES, PARAMETERS, answered
from service.rest.operations.operation import INSTANCE, STANDARD, Operation

OPERATION = Operation(
    code="everything",
    levels=frozenset({INSTANCE}),
    types=frozenset({"Patient"}),
    changes_state=False,
    definition=STANDARD + "Patient-everything",
    documentation="The patient's compartment, the Provenance of it, and the people, places and products that it refers to. Paged.",
    parameters=(*PARAMETERS, *CARE_DATES),
    run=answered,
)
