"""The realm that Keycloak is given for the tests: the clients, scopes, roles and claims that docs/external-provider.md asks for."""

import json
from typing import Any

BASE = "http://127.0.0.1:8080/fhir"
CALLBACK = "http://127.0.0.1:8080/oidc/callback"
SECRET = "the secret of a client in the tests"
PASSWORD = "correct horse battery staple"
SCOPES = ("system/Observation.rs", "user/Observation.rs", "user/AuditEvent.rs", "patient/Observation.rs", "fhirUser")


def _mapper(name: str, kind: str, **config: str) -> dict[str, Any]:
    told = {"access.token.claim": "true", "id.token.claim": "true", **{key.replace("__", "."): value for key, value in config.items()}}
    return {"name": name, "protocol": "openid-connect", "protocolMapper": f"oidc-{kind}-mapper", "config": told}


_SUBJECT = _mapper("sub", "sub")
_AUDIENCE = _mapper("audience", "audience", included__custom__audience=BASE, id__token__claim="false")
_ROLES = _mapper("roles", "usermodel-realm-role", claim__name="roles", multivalued="true")
_NAME = _mapper("name", "full-name")
_USER = _mapper("fhirUser", "usermodel-attribute", user__attribute="fhirUser", claim__name="fhirUser", jsonType__label="String")
_PATIENT = _mapper("patient", "usermodel-attribute", user__attribute="patient", claim__name="patient", jsonType__label="String")


def _client(id: str, **members: Any) -> dict[str, Any]:
    return {
        "clientId": id,
        "secret": SECRET,
        "enabled": True,
        "standardFlowEnabled": False,
        "directAccessGrantsEnabled": False,
        "protocolMappers": [_SUBJECT, _AUDIENCE],
        "defaultClientScopes": [],
        "optionalClientScopes": list(SCOPES),
        **members,
    }


def _user(name: str, roles: list[str], **attributes: str) -> dict[str, Any]:
    return {
        "username": name,
        "firstName": name.capitalize(),
        "lastName": "Byron",
        "email": f"{name}@clinic.example",
        "enabled": True,
        "credentials": [{"type": "password", "value": PASSWORD}],
        "realmRoles": roles,
        "attributes": {key: [value] for key, value in attributes.items()},
    }


def realm() -> str:
    """The realm as Keycloak imports it."""
    people = [_SUBJECT, _AUDIENCE, _ROLES, _NAME, _USER, _PATIENT]
    profile = {
        "attributes": [{"name": name} for name in ("username", "email", "firstName", "lastName")],
        "unmanagedAttributePolicy": "ENABLED",
    }
    return json.dumps(
        {
            "realm": "clinic",
            "enabled": True,
            "roles": {"realm": [{"name": "clinician"}, {"name": "auditor"}]},
            "clientScopes": [
                {"name": name, "protocol": "openid-connect", "attributes": {"include.in.token.scope": "true"}}
                for name in (*SCOPES, "profile")
            ],
            "clients": [
                _client("ehr", serviceAccountsEnabled=True),
                _client("chart-app", directAccessGrantsEnabled=True, protocolMappers=people),
                _client(
                    "infusion-records",
                    standardFlowEnabled=True,
                    redirectUris=[CALLBACK],
                    attributes={"pkce.code.challenge.method": "S256"},
                    protocolMappers=people,
                    optionalClientScopes=[*SCOPES, "profile"],
                ),
            ],
            "users": [
                _user("ada", ["clinician"], fhirUser="Practitioner/ada"),
                _user("ann", [], fhirUser="Patient/ann", patient="ann"),
                _user("zoe", ["clinician", "auditor"], fhirUser="Practitioner/zoe"),
            ],
            "components": {
                "org.keycloak.userprofile.UserProfileProvider": [
                    {"providerId": "declarative-user-profile", "config": {"kc.user.profile.config": [json.dumps(profile)]}}
                ]
            },
        }
    )
