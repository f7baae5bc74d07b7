"""Who somebody is: name, password and one-time code are looked at here, for signing in and for signing beside somebody else.

An attempt counts as failed before it is looked at and is taken back when it was good, so that many at the same moment are not more than
as many in turn. Whatever was wrong, the answer is the same, and costs the same work.
"""

from dataclasses import dataclass, field

from service.audit.event import MINOR, SERIOUS
from service.audit.kinds import SIGNED_IN
from service.errors import Unauthorized
from service.records import happening
from service.records.context import Service
from service.records.happening import Happening
from service.records.people import named
from service.security import lockout, one_time
from service.security import password as passwords
from service.security.caller import Caller
from service.storage import attempts, people, secrets
from service.storage.people import Person

CLIENT = "web"
"""The name of the client that people's browsers are."""

REFUSAL = "Name, password or code is wrong, or there were too many attempts. Try again, or a few minutes later."
_KEY = "people-key"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody typed, and where it came from. `purpose` says in the audit trail what it was for."""

    login: str
    password: str = field(repr=False)
    code: str = field(default="", repr=False)
    address: str = ""
    purpose: str = "sign-in"


def authenticate(service: Service, attempt: Attempt) -> Person:
    """Who it was. Raises Unauthorized, always with the same words."""
    at = service.clock()
    failures = _counted(service, attempt, at)
    with service.database.glance() as tx:
        person = people.find(tx, named(attempt.login))
    is_right = passwords.matches(person.hash if person else None, attempt.password)
    is_let_in = failures is not None and person is not None and person.disabled is None
    if person is None or not is_right or not is_let_in or not _accepted(service, person, attempt, at):
        raise _refused(service, attempt, person, failures)
    return person


def cosigned(service: Service, first: Caller, attempt: Attempt) -> Person:
    """A second person beside the one who is signed in; no session begins. Raises Unauthorized, also when it is the same person."""
    second = authenticate(service, attempt)
    if second.user == first.user:
        _tell(service, second, attempt, "the same person, refused", MINOR)
        raise _unauthorized("The second person must be another one than you.")
    return second


def key(service: Service) -> str:
    """What the secrets of one-time codes are encrypted with: the setting PEOPLE_KEY, or what the database keeps."""
    return service.settings.people_key or secrets.obtain(service.database, _KEY)


def _counted(service: Service, attempt: Attempt, at: int) -> int | None:
    """How many attempts have failed in a row, this one among them; None while nothing is let in."""
    with service.database.write() as tx:
        before = attempts.begin(tx, named(attempt.login), at)
        if lockout.is_locked(before.locked_until, at):
            return None
        failures = before.failures + 1
        attempts.failed(tx, named(attempt.login), failures, at, lockout.until(failures, at))
    return failures


def _accepted(service: Service, person: Person, attempt: Attempt, at: int) -> bool:
    """Whether the one-time code is good, if one is asked for. It is used up, and the failures are forgotten."""
    step = _step(service, person, attempt.code, at)
    if step is None:
        return False
    with service.database.write() as tx:
        if step and not people.spend(tx, person.id, step):
            return False
        if passwords.is_outdated(person.hash):
            people.change(tx, person.id, hash=passwords.hashed(attempt.password))
        attempts.forget(tx, person.login)
        happening.tell(service, Happening(SIGNED_IN, _caller(person, attempt), f"account {person.login}", attempt.purpose), tx)
    return True


def _step(service: Service, person: Person, code: str, at: int) -> int | None:
    """The step of the code; 0 when none is asked for, None when it is wrong."""
    if person.one_time is None or person.one_time_since is None:
        return 0
    try:
        return one_time.step_of(one_time.opened(key(service), person.id, person.one_time), code, at)
    except one_time.Unreadable:
        return None


def _refused(service: Service, attempt: Attempt, person: Person | None, failures: int | None) -> Unauthorized:
    is_locked = failures is None or failures > lockout.FREE_FAILURES
    _tell(service, person, attempt, "refused, locked for a while" if is_locked else "refused", SERIOUS if is_locked else MINOR)
    return _unauthorized(REFUSAL)


def _unauthorized(words: str) -> Unauthorized:
    return Unauthorized.of("login", "sign-in", words)


def _tell(service: Service, person: Person | None, attempt: Attempt, how: str, outcome: str) -> None:
    subject = f"account {person.login}" if person else "an account that does not exist"
    happening.tell(service, Happening(SIGNED_IN, _caller(person, attempt), subject, f"{attempt.purpose}: {how}", outcome))


def _caller(person: Person | None, attempt: Attempt) -> Caller:
    if person is None:
        return Caller(CLIENT, address=attempt.address)
    return Caller(CLIENT, user=person.user, name=person.login, role=person.role, address=attempt.address)
