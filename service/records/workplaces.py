"""For which organizations a person works now, by the PractitionerRoles of the record; read again once a minute."""

from weakref import WeakKeyDictionary

from service.records import sessions
from service.records.context import Service
from service.storage.database import Database

_MINUTE = 60 * 1_000_000
_MOST_KEPT = 10_000

_kept: WeakKeyDictionary[Database, dict[str, tuple[int, tuple[str, ...]]]] = WeakKeyDictionary()


def lately(service: Service, user: str) -> tuple[str, ...]:
    """The ids of the organizations of `user` (`Practitioner/x`), not older than a minute."""
    kept, now = _kept.setdefault(service.database, {}), service.clock()
    at, found = kept.get(user, (0, ()))
    if now - at < _MINUTE:
        return found
    if len(kept) >= _MOST_KEPT:
        kept.clear()
    found = sessions.organizations(service, user)
    kept[user] = now, found
    return found
