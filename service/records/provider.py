"""Callers and sign-ins that an OpenID provider vouches for, put together with what the record knows of them.

Which organizations somebody works for is the record's to say, not the provider's; it is read again once a minute. Why a token was refused
is logged in one word and told to nobody.
"""

import logging
from dataclasses import replace

from service.audit.event import MINOR
from service.audit.kinds import SIGNED_IN
from service.config import PREFIX, SettingsError
from service.errors import NotFound, Overloaded, ServiceError
from service.records import emergency, happening, sessions, workplaces
from service.records.context import Context, Service
from service.records.happening import Happening
from service.records.read import read
from service.records.sessions import Holder, Opened
from service.records.sign_in import CLIENT
from service.security.caller import Caller
from service.security.external.claims import name_of
from service.security.external.code_flow import Attempt, SignInFailed
from service.security.external.discovery import UnfitProvider
from service.security.external.jwt import Claims, TokenRefused
from service.security.external.key_cache import Unavailable
from service.security.external.provider import Provider
from service.security.roles import Rule
from service.storage import secrets

_LOG = logging.getLogger("infusion_records.provider")
_PRACTITIONER = "Practitioner/"
_KEY = "sign-in-key"
_SUBJECT = "account at the OpenID provider"


def start(service: Service) -> None:
    """Ask the provider, if there is one, for its endpoints and keys. Raises SettingsError: without them nobody could be authenticated."""
    if service.provider is None:
        return
    try:
        service.provider.start()
    except UnfitProvider as error:
        issuer = service.provider.terms.issuer
        raise SettingsError(f"{PREFIX}OIDC_ISSUER: the OpenID provider {issuer} cannot be used: {error}") from error


def caller(service: Service, provider: Provider, token: str, address: str) -> Caller | None:
    """Who sent an access token of the provider; None when it is not believed. Raises Overloaded when that cannot be known now."""
    try:
        found = provider.caller(token, address)
    except TokenRefused as refusal:
        _LOG.info("A token was refused: %s.", refusal.reason)
        return None
    except Unavailable as error:
        raise unavailable(error.reason) from None
    if found.user and Rule.OWN_SITE in found.rules:
        return emergency.admitted(service, replace(found, organizations=workplaces.lately(service, found.user)))
    return found


def unavailable(reason: str) -> Overloaded:
    """503: the provider's keys cannot be had, so that no token can be checked."""
    _LOG.error("The keys of the OpenID provider cannot be had: %s.", reason)
    error = Overloaded.of("transient", "provider", "Tokens cannot be checked now: their issuer does not answer. Try again in a while.")
    error.headers = {"Retry-After": "30"}
    return error


def sign_in(service: Service, provider: Provider, attempt: Attempt, code: str, address: str) -> Opened:
    """Open the session of somebody who came back from the provider with `code`. Raises SignInFailed; both are in the audit trail."""
    who = Caller(CLIENT, address=address)
    try:
        claims = provider.signed_in(attempt, code)
        holder = _holder(service, provider, claims)
    except SignInFailed as failure:
        happening.tell(service, Happening(SIGNED_IN, who, _SUBJECT, f"sign-in: refused, {failure.reason}", MINOR))
        raise
    who = replace(who, user=holder.user, name=holder.name, role=holder.role)
    happening.tell(service, Happening(SIGNED_IN, who, _SUBJECT, "sign-in"))
    return sessions.begin(service, holder)


def sign_in_key(service: Service) -> bytes:
    """What the cookie of a sign-in that was begun is signed with: the same in every process on this database."""
    return secrets.obtain(service.database, _KEY).encode()


def _holder(service: Service, provider: Provider, claims: Claims) -> Holder:
    """Each user is one Practitioner of the record, with one role that people have."""
    try:
        user, role = provider.understanding.person(claims), provider.understanding.role(claims)
    except TokenRefused as refusal:
        raise SignInFailed(f"id-token-{refusal.reason}") from None
    if user is None or not user.startswith(_PRACTITIONER):
        raise SignInFailed("no-practitioner")
    if role is None or not role.is_for_people:
        raise SignInFailed("no-role")
    try:
        read(Context(service, Caller.internal("sign-in")), "Practitioner", user.removeprefix(_PRACTITIONER))
    except NotFound:
        raise SignInFailed("practitioner-unknown") from None
    except ServiceError:
        raise SignInFailed("practitioner-unreadable") from None
    return Holder(user, name_of(claims), role.name)
