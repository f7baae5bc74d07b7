"""What the audit trail tells of clients and their tokens: made, refused, revoked, asked about; clients registered, changed, disabled.

A token is told by the id of its row. Of a request that was refused the reason is told, in one word that no answer holds, and the client
that it claimed to come from, if there is one of that name: what strangers send beyond that is not written down.
"""

from dataclasses import dataclass, replace

from service.audit.event import SERIOUS, SUCCESS, Event
from service.audit.kinds import CLIENT_CHANGED, Kind
from service.records import trail
from service.records.context import Service
from service.security.caller import NOBODY, Caller
from service.storage.database import Transaction

OPERATOR = Caller.internal("command-line")
"""Who registers clients and makes tokens, where nobody else is named."""

Details = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Sender:
    """Where a request came from: the network address, and the id that the log knows it by."""

    address: str = ""
    request_id: str = ""

    def caller(self, client: str, role: str | None = None, token: str | None = None) -> Caller:
        """The client, as the one who sent it."""
        return Caller(client, role=role, address=self.address, token=token)


@dataclass(frozen=True, slots=True)
class Done:
    """What `who` did with the token `token`, the id of its row; `details` are (name, text)."""

    kind: Kind
    token: str
    who: Caller
    details: Details = ()
    request_id: str = ""


def told(service: Service, tx: Transaction, done: Done) -> None:
    """Something was done with a token: in the transaction that did it."""
    trail.append(service, tx, Event(done.kind, SUCCESS, subject=f"token {done.token}", details=done.details), done.who, done.request_id)


def refused(service: Service, kind: Kind, reason: str, sender: Sender, claimed: str | None = None) -> None:
    """Something was refused: for `reason`, to whoever claimed to be the client `claimed`."""
    details = (("reason", reason), *((("claimed", claimed),) if claimed else ()))
    event = Event(kind, SERIOUS, told="The request was refused.", subject="token", details=details)
    trail.record(service, event, replace(NOBODY, address=sender.address), sender.request_id)


def client_changed(service: Service, tx: Transaction, client: str, who: Caller, details: Details) -> None:
    """A client was registered, changed or disabled: in the transaction that did it."""
    trail.append(service, tx, Event(CLIENT_CHANGED, SUCCESS, subject=f"client {client}", details=details), who)
