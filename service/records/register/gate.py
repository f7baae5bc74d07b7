"""Who may read the register, and of which sites."""

from service.errors import Forbidden
from service.fhir.document import stored
from service.ledger import reading
from service.records.context import Context
from service.security.access import forbidden
from service.security.caller import Caller
from service.security.roles import Rule
from service.storage import ledger, versions
from service.storage.database import Transaction


def require_read(ctx: Context) -> None:
    """Raises Forbidden for a caller without `ledger.read`, and for one who is confined to patients."""
    _require(ctx, "ledger.read")


def require_write(ctx: Context) -> None:
    """Raises Forbidden for a caller without `ledger.write`, and for one who is confined to patients."""
    _require(ctx, "ledger.write")


def may(caller: Caller, name: str) -> bool:
    """Whether the caller has `ledger.read` or `ledger.write` without being confined to patients."""
    return caller.is_internal or (not caller.patients and caller.grant.has(name))


def _require(ctx: Context, name: str) -> None:
    if not may(ctx.caller, name):
        raise _refused(name)


def _refused(name: str) -> Forbidden:
    return forbidden(f"The register needs the scope {name}, granted without a patient.")


def sites(ctx: Context, tx: Transaction) -> frozenset[str] | None:
    """The ids of the Locations whose books the caller may see; None for all of them.

    Who is kept to the clinics that he or she works for sees the sites that these clinics manage.
    """
    if ctx.caller.is_internal or Rule.OWN_SITE not in ctx.caller.rules:
        return None
    number = ctx.service.definitions.type_number("Location")
    bodies = versions.newest(tx, [(number, one) for one in ledger.sites(tx)])
    return frozenset(id for (_, id), row in bodies.items() if row.body and _manager(row.body) in ctx.caller.organizations)


def _manager(body: str) -> str | None:
    named = reading.target(stored(body).tree.get("managingOrganization"))
    return named.removeprefix("Organization/") if named else None
