"""URLs of this service outside of the FHIR API: what an answer of the API points to."""

from urllib.parse import urlsplit

from service.records.context import Context

EXPORTS = "/exports"


def export(ctx: Context, id: str, *below: str) -> str:
    """The URL of the state of an export of the register, or of a file of it."""
    base = urlsplit(ctx.service.settings.base_url)
    return "/".join((f"{base.scheme}://{base.netloc}{EXPORTS}", id, *below))
