"""Every operation of the server, and how a call finds its own."""

from collections.abc import Mapping

from service.errors import BadRequest
from service.records.context import Context
from service.rest.exchange import Call, FhirResponse
from service.rest.operations import (
    arguments,
    code_system_validate_code,
    cs_administration_log,
    cs_amendments,
    cs_expiring,
    cs_export,
    cs_inventory,
    cs_ledger,
    cs_loss_report,
    cs_lot_recall,
    cs_patient,
    cs_pdmp_evidence,
    cs_practitioner_activity,
    cs_receipts,
    cs_reconcile,
    cs_waste,
    encounter_everything,
    expand,
    lastn,
    lookup,
    meta,
    meta_add,
    meta_delete,
    patient_everything,
    stats,
    subsumes,
    translate,
    validate,
    value_set_validate_code,
)
from service.rest.operations.arguments import Arguments
from service.rest.operations.operation import Operation

OPERATIONS: tuple[Operation, ...] = (
    lastn.OPERATION,
    stats.OPERATION,
    encounter_everything.OPERATION,
    patient_everything.OPERATION,
    meta.OPERATION,
    meta_add.OPERATION,
    meta_delete.OPERATION,
    validate.OPERATION,
    expand.OPERATION,
    value_set_validate_code.OPERATION,
    lookup.OPERATION,
    code_system_validate_code.OPERATION,
    subsumes.OPERATION,
    translate.OPERATION,
    cs_administration_log.OPERATION,
    cs_ledger.OPERATION,
    cs_receipts.OPERATION,
    cs_waste.OPERATION,
    cs_inventory.OPERATION,
    cs_practitioner_activity.OPERATION,
    cs_patient.OPERATION,
    cs_amendments.OPERATION,
    cs_reconcile.OPERATION,
    cs_loss_report.OPERATION,
    cs_expiring.OPERATION,
    cs_pdmp_evidence.OPERATION,
    cs_lot_recall.OPERATION,
    cs_export.OPERATION,
)

_BY_CODE: Mapping[str, tuple[Operation, ...]] = {
    code: tuple(one for one in OPERATIONS if one.code == code) for code in {one.code for one in OPERATIONS}
}
REPORTS = frozenset(one.code for one in OPERATIONS if one.reports)
"""The codes of the operations that report."""


def run(ctx: Context, call: Call) -> FhirResponse:
    """The answer of the operation that `call` names. BadRequest for inputs that it does not know, with those that it does."""
    operation = called(call)
    if operation.letter is not None and call.type is not None:
        ctx.access.require(operation.letter, call.type)
    given = arguments.read(ctx, call, operation.resource)
    _require_known(operation, given)
    return operation.run(ctx, call, given)


def called(call: Call) -> Operation:
    """The operation that the URL of `call` names."""
    code = call.template.rpartition("$")[2]
    return next(one for one in _BY_CODE[code] if not one.types or call.type in one.types)


def _require_known(operation: Operation, given: Arguments) -> None:
    known = {parameter.name: parameter for parameter in operation.parameters}
    for name, _ in given.pairs:
        if name not in known and not operation.searches:
            raise arguments.refused(name, f"${operation.code} has no parameter '{name[:40]}'. {_listed(operation)}", "not-supported")
        if name in known and not known[name].many and sum(one == name for one, _ in given.pairs) > 1:
            raise arguments.refused(name, f"'{name}' stands twice. Give it once.", "invalid")
    for parameter in operation.parameters:
        if parameter.required and not given.has(parameter.name):
            raise BadRequest.of("required", "operation-parameter", f"${operation.code} needs '{parameter.name}'.", f"http.{parameter.name}")


def _listed(operation: Operation) -> str:
    names = ", ".join(parameter.name for parameter in operation.parameters)
    return f"It has: {names}." if names else "It has none."
