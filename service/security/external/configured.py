"""The provider that the settings describe. Raises SettingsError with the name of the setting that does not fit."""

from urllib.parse import urlsplit

from service.config import PREFIX, Settings, SettingsError
from service.outbound.client import Outbound
from service.outbound.destination import Destination, authority
from service.outbound.failure import Refused
from service.security.external.claims import ClaimNames, Understanding
from service.security.external.code_flow import BrowserClient
from service.security.external.provider import Provider, Terms
from service.security.roles import ROLES
from service.security.scope import Grammar

CALLBACK = "/oidc/callback"
"""Where the provider sends browsers back to, below the origin of the base URL."""


def configured(settings: Settings, grammar: Grammar, outbound: Outbound) -> Provider | None:
    """The provider, not started yet; None in the built-in mode, where no setting of a provider may be given."""
    if not settings.is_external:
        if settings.oidc_issuer:
            raise SettingsError(f"{PREFIX}OIDC_ISSUER is given, but {PREFIX}AUTHENTICATION is not external. Use one of the two.")
        return None
    if not settings.oidc_issuer:
        raise SettingsError(f"{PREFIX}OIDC_ISSUER is missing: {PREFIX}AUTHENTICATION=external needs the issuer of the tokens.")
    return Provider(
        Terms(settings.oidc_issuer, settings.oidc_audience or settings.base_url, _hosts(settings, outbound)),
        Understanding(grammar, _names(settings)),
        outbound,
        _browser(settings),
    )


def _hosts(settings: Settings, outbound: Outbound) -> frozenset[str]:
    """The host of the issuer, and those that the operator names besides."""
    try:
        issuer = Destination.of(settings.oidc_issuer, outbound.plain).authority
    except Refused as error:
        raise SettingsError(f"{PREFIX}OIDC_ISSUER is malformed: {error}") from None
    try:
        return frozenset({issuer, *(authority(host) for host in filter(None, map(str.strip, settings.oidc_hosts.split(","))))})
    except Refused as error:
        raise SettingsError(f"{PREFIX}OIDC_HOSTS is malformed: {error}") from None


def _names(settings: Settings) -> ClaimNames:
    pairs = (pair.split("=") for pair in filter(None, map(str.strip, settings.oidc_roles.split(","))))
    aliases = dict(pairs)
    if unknown := sorted(set(aliases.values()) - ROLES.keys()):
        raise SettingsError(f"{PREFIX}OIDC_ROLES names {unknown[0]!r}. The roles are {', '.join(ROLES)}.")
    return ClaimNames(settings.oidc_roles_claim, settings.oidc_patient_claim, settings.oidc_user_claim, aliases=aliases)


def _browser(settings: Settings) -> BrowserClient | None:
    if not settings.oidc_client_id:
        return None
    base = urlsplit(settings.base_url)
    redirect = f"{base.scheme}://{base.netloc}{CALLBACK}"
    return BrowserClient(settings.oidc_client_id, redirect, settings.oidc_scopes, settings.oidc_client_secret)
