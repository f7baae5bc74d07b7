"""The event of the audit trail that tells of a load. Every version that is loaded names it: none can be without."""

import os

from service import clock
from service.audit import event as events
from service.audit.event import Actor, Event, Site
from service.audit.kinds import REST
from service.audit.tree import SALT_BYTES, leaf_hash
from service.storage import audit
from service.storage.audit import Entry
from service.storage.database import Database

LOADED = "019a0000-0000-7000-8000-000000000001"
_CLIENT = "benchmark"
_KIND = REST["transaction"]


def tell(url: str) -> None:
    """Write the event into the database at `url`."""
    now = clock.now() // 1000 * 1000
    body = events.body(Event(_KIND, query="", description="POST"), Actor(_CLIENT), Site("http://127.0.0.1:8080/fhir"), now, "load")
    salt = os.urandom(SALT_BYTES)
    kind = {"kind": _KIND.code, "interaction": _KIND.interaction, "action": _KIND.action}
    who = {"client": _CLIENT, "user": None, "agent": None, "role": None, "address": "", "purpose": None, "request_id": "load"}
    what = {"outcome": "0", "type": None, "target": None, "is_question": True}
    database = Database(url)
    with database.write() as tx:
        audit.append(tx, [Entry(audit_id=LOADED, recorded=now, body=body, salt=salt, leaf=leaf_hash(salt, body), **kind, **who, **what)])
    database.dispose()
