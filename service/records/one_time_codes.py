"""One-time codes of an account: a secret is shown once, and asked for as soon as one code of it came back."""

from service.audit.kinds import CLIENT_CHANGED
from service.errors import BadRequest, Conflict
from service.records import happening, sign_in
from service.records.context import Context
from service.records.happening import Happening
from service.security import one_time
from service.storage import people
from service.storage.people import Person


def begin(ctx: Context, person: Person) -> str:
    """The secret that waits to be confirmed: a new one each time. Raises Conflict when codes are asked for already."""
    if person.one_time_since is not None:
        raise Conflict.of("conflict", "one-time-codes", "One-time codes are set up already. An operator can reset the account.")
    secret = one_time.secret()
    sealed = one_time.sealed(sign_in.key(ctx.service), person.id, secret)
    with ctx.service.database.write() as tx:
        people.change(tx, person.id, one_time=sealed)
    return secret


def confirm(ctx: Context, person: Person, code: str) -> None:
    """Ask for codes from now on. Raises BadRequest when `code` is not one of the secret that was shown."""
    at = ctx.service.clock()
    secret = one_time.opened(sign_in.key(ctx.service), person.id, person.one_time) if person.one_time else ""
    step = one_time.step_of(secret, code, at) if secret else None
    with ctx.service.database.write() as tx:
        if step is None or person.one_time_since is not None or not people.spend(tx, person.id, step):
            raise BadRequest.of("invalid", "one-time-code", "That is not the code that the app shows now. Set it up once more.")
        people.change(tx, person.id, one_time_since=at)
        happening.tell(ctx.service, Happening(CLIENT_CHANGED, ctx.caller, f"account {person.login}", "one-time codes set up"), tx)
