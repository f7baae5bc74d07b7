"""Whether the versions of the record say what the audit trail says that they said when they were written.

The event of each version has the SHA-256 of its stored JSON, and the signed log vouches for the event: so who changes a version behind
the service's back must change the log too. Versions older than the audit trail have no event and are counted, not judged.
"""

from dataclasses import dataclass
from hashlib import sha256

import msgspec

from service.records.context import Service
from service.records.trail import CONTENT
from service.storage import contents
from service.storage.contents import Content


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many versions were looked at, how many are older than the trail, and the addresses of those that are not what was told."""

    checked: int
    untold: int
    altered: tuple[str, ...]


def checked(service: Service) -> Verdict:
    """Compare every version with its event, in one snapshot."""
    count, untold, altered = 0, 0, []
    with service.database.read() as tx:
        for one in contents.every(tx):
            count += 1
            if one.told is None:
                untold += 1
            elif not _is_as_told(one):
                altered.append(f"{service.definitions.type_name(one.type)}/{one.id}/_history/{one.version}")
    return Verdict(count, untold, tuple(altered))


def _is_as_told(one: Content) -> bool:
    assert one.told is not None
    entities = msgspec.json.decode(one.told).get("entity", [])
    hashes = [detail["valueString"] for entity in entities for detail in entity.get("detail", ()) if detail["type"] == CONTENT]
    return hashes == ([] if one.body is None else [sha256(one.body.encode()).hexdigest()])
