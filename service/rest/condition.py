"""The search strings of conditional interactions (https://hl7.org/fhir/R4/http.html#cond-update)."""

from urllib.parse import quote

from service.errors import BadRequest
from service.rest import query
from service.rest.exchange import Call, Pairs


def of_query(call: Call) -> str | None:
    """The condition in the query of the URL: required without an id, not understood beside one."""
    if call.id is not None:
        require_no_query(call)
        return None
    if not call.query:
        raise BadRequest.of(
            "required",
            "condition-empty",
            f"Name the {call.type} by its id, or say which one with search parameters, as in {call.type}?identifier=system|value.",
        )
    return encoded(call.query)


def stated(header: str | None, name: str) -> str | None:
    """The condition in a header or Bundle member; a leading question mark or type is no part of it."""
    if header is None:
        return None
    pairs = query.decode(header.rpartition("?")[2])
    if not pairs:
        raise BadRequest.of("invalid", "condition-empty", f"{name} holds no search parameters. Write identifier=system|value.")
    return encoded(pairs)


def require_no_query(call: Call) -> None:
    """BadRequest when a URL that names what it writes brings search parameters too."""
    if call.query:
        raise BadRequest.of(
            "invalid",
            "query-not-expected",
            f"{call.request.method} here takes no search parameters, but the URL has {call.query[0][0][:40]!r}. Leave them out.",
        )


def encoded(pairs: Pairs) -> str:
    """The pairs as a percent-encoded search string."""
    return "&".join(f"{quote(name)}={quote(value, safe='|,:/$')}" for name, value in pairs)
