"""What an OpenID provider says of itself, asked once at the start: without an answer that fits, the service does not start.

The `issuer` must equal the configured one byte for byte; every endpoint that we use is https and on a host that the operator allowed.

https://openid.net/specs/openid-connect-discovery-1_0.html, https://www.rfc-editor.org/rfc/rfc8414
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from service.outbound.client import Limits, Message, Outbound
from service.outbound.destination import Destination
from service.outbound.failure import OutboundError, Refused
from service.security.encoding import json_object

WELL_KNOWN = "/.well-known/openid-configuration"
_LIMITS = Limits(body_bytes=64 * 1024, connect_seconds=3, read_seconds=5, total_seconds=10)
_MESSAGE = Message(headers={"Accept": "application/json"})
_DEPTH = 8
_OK = 200
_CHALLENGE = "S256"
_OPTIONAL = ("authorization_endpoint", "token_endpoint", "introspection_endpoint", "revocation_endpoint", "end_session_endpoint")
_LISTS = (
    "scopes_supported",
    "grant_types_supported",
    "token_endpoint_auth_methods_supported",
    "token_endpoint_auth_signing_alg_values_supported",
)


class UnfitProvider(Exception):
    """A provider that the service cannot work with; the message says what is the matter and what to mend."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is used of the answer. `endpoints` by their names in it, those that there are; `lists` are its lists of texts."""

    issuer: str
    jwks_uri: str
    endpoints: Mapping[str, str]
    lists: Mapping[str, tuple[str, ...]]


def discover(outbound: Outbound, issuer: str, hosts: Collection[str]) -> Metadata:
    """What the provider `issuer` says of itself. Raises UnfitProvider."""
    try:
        reply = outbound.exchange(issuer.removesuffix("/") + WELL_KNOWN, hosts, _MESSAGE, _LIMITS)
    except OutboundError as error:
        raise UnfitProvider(f"its discovery document was not had: {error} ({error.reason})") from None
    if reply.status != _OK:
        raise UnfitProvider(f"its discovery document was answered with status {reply.status}.")
    try:
        tree = json_object(reply.body, _DEPTH)
    except ValueError as error:
        raise UnfitProvider(f"its discovery document is not strict JSON: {error}") from None
    return _metadata(outbound, tree, issuer, hosts)


def _metadata(outbound: Outbound, tree: Mapping[str, Any], issuer: str, hosts: Collection[str]) -> Metadata:
    if tree.get("issuer") != issuer:
        raise UnfitProvider(f"it calls itself {str(tree.get('issuer'))[:200]!r}. OIDC_ISSUER must be that, byte for byte.")
    methods = _texts(tree, "code_challenge_methods_supported")
    if methods and _CHALLENGE not in methods:
        raise UnfitProvider("it does not take the code challenge S256 (PKCE).")
    endpoints = {name: _endpoint(outbound, tree, name, hosts) for name in _OPTIONAL if name in tree}
    return Metadata(issuer, _endpoint(outbound, tree, "jwks_uri", hosts), endpoints, {name: _texts(tree, name) for name in _LISTS})


def _endpoint(outbound: Outbound, tree: Mapping[str, Any], name: str, hosts: Collection[str]) -> str:
    url = tree.get(name)
    if not isinstance(url, str):
        raise UnfitProvider(f"its {name} is missing.")
    try:
        destination = Destination.of(url, outbound.plain)
    except Refused as error:
        raise UnfitProvider(f"its {name} cannot be used: {error}") from None
    if destination.authority not in hosts:
        raise UnfitProvider(f"its {name} is on {destination.authority}, which is not allowed. Name the host in OIDC_HOSTS if it is right.")
    return url


def _texts(tree: Mapping[str, Any], name: str) -> tuple[str, ...]:
    listed = tree.get(name, [])
    return tuple(text for text in listed if isinstance(text, str)) if isinstance(listed, list) else ()
