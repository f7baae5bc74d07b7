"""What clients find out before they ask: where tokens are had, how, and for what. Data alone; nothing in it is written down twice.

https://hl7.org/fhir/smart-app-launch/STU2.2/conformance.html#using-well-known, https://www.rfc-editor.org/rfc/rfc8414
"""

from collections.abc import Iterator
from typing import Any

from service.records.context import Service
from service.rest import provider_discovery
from service.security.grant import LETTER_OF
from service.security.keys import ALGORITHMS
from service.security.scope import ordered
from service.security.token_request import GRANT

Tree = dict[str, Any]

METHOD = "private_key_jwt"
CAPABILITIES = ("client-confidential-asymmetric", "permission-v1", "permission-v2")
_EVERYTHING = ("system/*.cruds", "system/*.rs", "system/*.read", "system/*.write", "system/*.*")
_SERVICES = "http://terminology.hl7.org/CodeSystem/restful-security-service"
_BUILT_IN = (
    "SMART backend services: a token for a signed assertion, sent in the Authorization header of each request. "
    "`.well-known/smart-configuration` below the base says where tokens are had."
)
_PROVIDED = "SMART on FHIR with the tokens of an OpenID provider, sent in the Authorization header of each request."
_DEMANDED = frozenset({"authorize", "token"})
_OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"


def smart_configuration(service: Service) -> Tree:
    """What `.well-known/smart-configuration` says. It names no issuer: that is for OpenID Connect, which is not offered."""
    if service.provider is not None:
        return provider_discovery.smart_configuration(service.provider, service.identity.grammar)
    return {**_endpoints(service), **_ways(service), "capabilities": list(CAPABILITIES)}


def authorization_server(service: Service) -> Tree:
    """What `/.well-known/oauth-authorization-server` says: the issuer, whom assertions of RFC 10070 address."""
    return {
        "issuer": service.identity.issuer,
        **_endpoints(service),
        **_ways(service),
        "response_types_supported": [],
        "introspection_endpoint_auth_methods_supported": [METHOD, "Bearer"],
        "introspection_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": [METHOD],
        "revocation_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "service_documentation": f"{service.identity.issuer}/docs",
    }


def security(service: Service) -> Tree:
    """CapabilityStatement.rest.security (https://hl7.org/fhir/smart-app-launch/STU1/conformance/index.html#using-cs).

    The extension oauth-uris demands an authorization endpoint; where there is none, discovery alone names the others.
    """
    places = provider_discovery.places(service.provider) if service.provider else {}
    uris = {"url": _OAUTH_URIS, "extension": [{"url": name, "valueUri": url} for name, url in places.items()]}
    return {
        **({"extension": [uris]} if places.keys() >= _DEMANDED else {}),
        "cors": True,
        "service": [{"coding": [{"system": _SERVICES, "code": "SMART-on-FHIR", "display": "SMART-on-FHIR"}], "text": "SMART on FHIR"}],
        "description": _PROVIDED if service.provider else _BUILT_IN,
    }


def _endpoints(service: Service) -> Tree:
    place = service.identity.issuer
    return {
        "token_endpoint": service.identity.token_url,
        "introspection_endpoint": f"{place}/oauth/introspect",
        "revocation_endpoint": f"{place}/oauth/revoke",
    }


def _ways(service: Service) -> Tree:
    return {
        "grant_types_supported": [GRANT],
        "token_endpoint_auth_methods_supported": [METHOD],
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": [*_EVERYTHING, *_by_type(service), *map(str, service.identity.grammar.named)],
    }


def _by_type(service: Service) -> Iterator[str]:
    """All that may be done with each type that is served, as one scope."""
    for name, type in sorted(service.definitions.types.items()):
        if letters := ordered({LETTER_OF[code] for code in type.interactions if code in LETTER_OF}):
            yield f"system/{name}.{letters}"
