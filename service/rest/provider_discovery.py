"""The same documents where an OpenID provider gives the tokens: they lead to its endpoints, and claim what holds of ours with its tokens.

How clients authenticate there is told in the provider's words; of the scopes that it lists, those that mean something here.
https://hl7.org/fhir/smart-app-launch/STU2.2/conformance.html#using-well-known
"""

from typing import Any

from service.security.external.provider import Provider
from service.security.scope import Grammar

Tree = dict[str, Any]

CAPABILITIES = ("permission-patient", "permission-user", "permission-v1", "permission-v2")
_GRANTS = ("authorization_code", "client_credentials")
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "introspection_endpoint", "revocation_endpoint")
_AS_TOLD = ("token_endpoint_auth_methods_supported", "token_endpoint_auth_signing_alg_values_supported")
_OF_SIGN_IN = frozenset({"openid", "fhirUser", "launch", "launch/patient"})


def smart_configuration(provider: Provider, grammar: Grammar) -> Tree:
    """What `.well-known/smart-configuration` says."""
    told = provider.metadata
    listed = told.lists["grant_types_supported"]
    scopes = [scope for scope in told.lists["scopes_supported"] if scope in _OF_SIGN_IN or grammar.understood(scope)[0]]
    return {
        **{name: told.endpoints[name] for name in _ENDPOINTS if name in told.endpoints},
        "grant_types_supported": [grant for grant in _GRANTS if grant in listed or not listed],
        "code_challenge_methods_supported": ["S256"],
        **{name: list(told.lists[name]) for name in _AS_TOLD if told.lists[name]},
        **({"scopes_supported": scopes} if scopes else {}),
        "capabilities": list(CAPABILITIES),
    }


def places(provider: Provider) -> Tree:
    """The endpoints by the names that the CapabilityStatement has for them."""
    names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "introspection_endpoint": "introspect"}
    names["revocation_endpoint"] = "revoke"
    return {name: provider.metadata.endpoints[endpoint] for endpoint, name in names.items() if endpoint in provider.metadata.endpoints}
