"""How a client gets a token with an assertion, and how it proves who it is wherever it may do so.

The assertion is spent in the transaction that makes the token: of any number of requests with it, in whatever process, one succeeds.
Nothing is open in the database while the keys of a client are fetched.
https://hl7.org/fhir/smart-app-launch/backend-services.html, docs/decisions/0022-a-token-endpoint-of-our-own.md
"""

from functools import lru_cache

from service.audit.kinds import TOKEN_ISSUED
from service.records import rates, token_events, tokens
from service.records.clients import ID
from service.records.context import Service
from service.records.token_events import Done, Sender
from service.records.tokens import Holder
from service.security import assertion, token
from service.security.assertion import Convention, Verified
from service.security.grant import Grant
from service.security.keys import KeySet, UnfitKeys, parse
from service.security.refusal import InvalidClient, InvalidScope, OAuthError
from service.security.scope import MAX_SCOPES, Scope, ScopeError
from service.security.token import TokenResponse
from service.security.token_request import Credentials, TokenRequest
from service.storage import assertions, clients
from service.storage.database import Transaction

SYSTEM = "system"
_SECOND = 1_000_000
_MOST_SETS = 256
_SWEPT_OF_256 = 4


def answer(service: Service, asked: TokenRequest, sender: Sender) -> tuple[TokenResponse, Verified]:
    """The answer to a request for a token, and who sent it. Raises OAuthError, TooManyRequests."""
    verified = authenticated(service, asked.credentials)
    rates.require(service, rates.TOKENS, rates.Asking(f"client {verified.client_id}", sender.caller(verified.client_id), sender.request_id))
    try:
        with service.database.write() as tx:
            client = spent(tx, verified)
            grant = granted(service, asked.scopes, service.identity.grant(client.scopes))
            new = token.issue(service.clock())
            issued = tokens.put(tx, Holder(client.id, grant), new)
            who = sender.caller(client.id, client.role, issued.id)
            details = (("scope", issued.scope), *how(verified))
            token_events.told(service, tx, Done(TOKEN_ISSUED, issued.id, who, details, sender.request_id))
    except OAuthError as error:
        error.claimed = verified.client_id
        raise
    if new.digest[0] < _SWEPT_OF_256:
        tokens.sweep(service)
    return token.response(new, issued.scope), verified


def authenticated(service: Service, credentials: Credentials) -> Verified:
    """The client's assertion, when it holds; it is still to be spent. Raises InvalidClient."""
    claimed: list[str] = []

    def find(id: str) -> assertion.Client | None:
        found = _registered(service, id)
        claimed.extend([found.id] if found else [])
        return _enabled(found) if found and found.disabled is None else None

    try:
        return service.identity.verifier(find, service.clock).verify(credentials)
    except OAuthError as error:
        error.claimed = claimed[0] if claimed else None
        raise


def how(verified: Verified) -> tuple[tuple[str, str], ...]:
    """By what a client proved who it is, for the audit trail."""
    return (("convention", verified.convention.value), ("key", verified.key_id))


def spent(tx: Transaction, verified: Verified) -> clients.Client:
    """Use the assertion up in the transaction `tx`, and tell whose it is. InvalidClient when it was used, or the client was disabled."""
    found = clients.find(tx, verified.client_id)
    if found is None or found.disabled is not None:
        raise InvalidClient("client-unknown")
    verified.spend(lambda client, identifier, second: assertions.spend(tx, client, identifier, second * _SECOND))
    return found


def granted(service: Service, words: tuple[str, ...], policy: Grant) -> Grant:
    """What is granted of the scopes that were asked for: `system/` scopes and those of this service, as far as the client may have them.

    A scope that is not understood refuses them all; so does a request of which nothing is left. Raises InvalidScope.
    """
    try:
        asked = service.identity.grammar.scopes(" ".join(words))
    except ScopeError:
        raise InvalidScope("scope-unknown") from None
    offered = Grant.of(scope for scope in asked if not isinstance(scope, Scope) or scope.context == SYSTEM)
    grant = offered.within(policy)
    if not grant or len(grant.scopes) > MAX_SCOPES:
        raise InvalidScope("nothing-granted")
    return grant


def _registered(service: Service, id: str) -> clients.Client | None:
    if not ID.fullmatch(id):
        return None
    with service.database.glance() as tx:
        return clients.find(tx, id)


def _enabled(found: clients.Client) -> assertion.Client:
    """The client as the verifier wants it."""
    conventions = frozenset(Convention(name) for name in found.conventions)
    return assertion.Client(found.id, _keys(found.jwks) if found.jwks else None, found.jwks_url, conventions)


@lru_cache(maxsize=_MOST_SETS)
def _keys(jwks: str) -> KeySet:
    """The keys of a set that passed when it was registered; none when the rules have become stricter since."""
    try:
        return parse(jwks.encode())
    except UnfitKeys:
        return KeySet(())
