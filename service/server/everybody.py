"""The client that everybody is where the door is open: registered like any other, with every scope there is, and audited by its name."""

import threading
from contextlib import suppress

from service.errors import Conflict
from service.records import clients, tokens
from service.records.clients import Registration
from service.records.context import Service
from service.security import clinical
from service.security.scope import NAMES

CLIENT = "everybody"
_RENEWED_BEFORE = 60 * 60 * 1_000_000


class Everybody:
    """Gives the client's token, and another one before it expires. Thread-safe."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._lock = threading.Lock()
        self._issued: tokens.Issued | None = None
        with suppress(Conflict):
            clients.register(service, Registration(CLIENT, everything(service), name="Whoever is on this machine"))

    def __call__(self) -> str:
        """A token that is good for a while."""
        with self._lock:
            if self._issued is None or self._issued.expires - self._service.clock() < _RENEWED_BEFORE:
                self._issued = tokens.issue(self._service, CLIENT, seconds=tokens.MOST_SECONDS)
            return self._issued.text


def everything(service: Service) -> str:
    """Every scope there is, as an operator types it: `*` means the clinical types, so the others are named."""
    named = (type for type in sorted(service.definitions.types) if not clinical.reaches(clinical.ANY, type))
    return " ".join(("system/*.cruds", *(f"system/{type}.cruds" for type in named), *NAMES))
