"""What a program says it asks for: the purpose of use of somebody who works with it, and the emergency access that this may open.

X-Purpose-Of-Use: ETREAT              a code of https://terminology.hl7.org/ValueSet-v3-PurposeOfUse.html
X-Purpose-Reason: …                   with ETREAT: why, in ten characters or more
X-Purpose-Patient: …                  with ETREAT: whom, by id or by an identifier
"""

from dataclasses import replace

from flask import Request

from service.errors import BadRequest
from service.records import emergency
from service.records.context import Context, Service
from service.security.caller import Caller
from service.security.roles import BREAK_GLASS

PURPOSES = frozenset({"TREAT", "ETREAT", "HPAYMT", "HOPERAT", "PATRQT", "HCOMPL", "HLEGAL"})


def declared(service: Service, caller: Caller, request: Request) -> Caller:
    """The caller for that purpose. BadRequest for a purpose that is not known or lacks its reason; Forbidden, NotFound as a form would."""
    purpose = request.headers.get("X-Purpose-Of-Use")
    if purpose is None:
        return caller
    if purpose not in PURPOSES:
        raise BadRequest.of("invalid", "purpose-of-use", f"X-Purpose-Of-Use is one of {', '.join(sorted(PURPOSES))}.")
    if purpose != BREAK_GLASS.purpose:
        return replace(caller, purpose=purpose)
    patient, reason = (request.headers.get(f"X-Purpose-{name}", "") for name in ("Patient", "Reason"))
    emergency.opened(Context(service, caller), patient, reason)
    return emergency.admitted(service, caller)
