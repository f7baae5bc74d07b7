"""A small OpenID provider on a real HTTPS port of loopback: discovery, keys, the authorization code flow with PKCE, signed tokens.

What it answers can be changed while it runs: `fault` makes one of its routes fail, `told` replaces members of its discovery document.
"""

import base64
import contextlib
import hashlib
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import trustme
from flask import Flask, Response, jsonify, redirect, request
from werkzeug.serving import WSGIRequestHandler, make_server

from service.config import Settings
from tests.unit.security.external import issuer

SECRET = "the secret of the browser client"
CLIENT = "infusion-records"
USER = {"fhirUser": "Practitioner/ada", "roles": ["clinician"], "name": "Ada Byron"}


@dataclass
class Provider:
    """The provider: `asked` are the paths that were asked for, `user` the claims of who signs in, `kids` the keys that it signs with."""

    origin: str
    authorities: str
    told: dict[str, Any] = field(default_factory=dict)
    user: dict[str, Any] = field(default_factory=lambda: dict(USER))
    kids: list[str] = field(default_factory=lambda: ["one"])
    fault: dict[str, Any] = field(default_factory=dict)
    keys_headers: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        """Its issuer; it has a path, as realms and tenants have."""
        return f"{self.origin}/realms/clinic"

    @property
    def host(self) -> str:
        """Its host and port."""
        return self.origin.removeprefix("https://")

    def settings(self, settings: Settings, **more: Any) -> Settings:
        """`settings` of a service that lets this provider say who asks."""
        return settings.with_values(
            authentication="external",
            oidc_issuer=self.issuer,
            oidc_client_id=CLIENT,
            oidc_client_secret=SECRET,
            outbound_private_hosts="localhost=127.0.0.0/8,localhost=::1/128",
            outbound_authorities=self.authorities,
            **more,
        )

    def environment(self) -> dict[str, str]:
        """The same as environment variables, without their prefix."""
        return {
            "AUTHENTICATION": "external",
            "OIDC_ISSUER": self.issuer,
            "OIDC_CLIENT_ID": CLIENT,
            "OIDC_CLIENT_SECRET": SECRET,
            "OUTBOUND_PRIVATE_HOSTS": "localhost=127.0.0.0/8,localhost=::1/128",
            "OUTBOUND_AUTHORITIES": self.authorities,
        }

    def metadata(self) -> dict[str, Any]:
        """The discovery document."""
        tree = {
            "issuer": self.issuer,
            "jwks_uri": f"{self.issuer}/keys",
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "introspection_endpoint": f"{self.issuer}/introspect",
            "end_session_endpoint": f"{self.issuer}/end",
            "code_challenge_methods_supported": ["plain", "S256"],
            "grant_types_supported": ["authorization_code", "client_credentials", "refresh_token"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
            "scopes_supported": ["openid", "fhirUser", "system/*.rs", "patient/*.rs", "offline_access", "email"],
            "response_types_supported": ["code"],
            **self.told,
        }
        return {name: value for name, value in tree.items() if value is not None}

    def key_set(self) -> bytes:
        """The keys that it publishes."""
        keys = [issuer.jwk(issuer.private("RS256", kid), kid=kid, alg="RS256", use="sig") for kid in self.kids]
        return issuer.key_set(*keys)

    def access(self, audience: str, kid: str | None = None, **claims: Any) -> str:
        """An access token of a client, signed with the newest key."""
        now = int(time.time())
        told = {"iss": self.issuer, "aud": audience, "exp": now + 300, "nbf": now, "iat": now, "scope": "system/*.cruds", **claims}
        return self._signed("at+jwt", issuer.access_claims(**told), kid)

    def identity(self, nonce: str | None, **claims: Any) -> str:
        """An ID token for the browser client."""
        now = int(time.time())
        told = {"iss": self.issuer, "aud": CLIENT, "azp": CLIENT, "exp": now + 300, "nbf": None, "iat": now, "scope": None}
        return self._signed("JWT", issuer.access_claims(**{**told, "nonce": nonce, **self.user, **claims}))

    def _signed(self, type: str, claims: Mapping[str, Any], kid: str | None = None) -> str:
        kid = kid or self.kids[-1]
        return issuer.compact({"alg": "RS256", "kid": kid, "typ": type}, claims, "RS256", issuer.private("RS256", kid))

    def app(self) -> Flask:
        """Its routes."""
        app = Flask(__name__)
        realm = "/realms/clinic"

        @app.before_request
        def note() -> Response | None:
            name = request.path.rpartition("/")[2]
            self.asked.append(name)
            fault = self.fault.get(name)
            return fault() if callable(fault) else Response("out of order", fault) if fault else None

        @app.get(f"{realm}/.well-known/openid-configuration")
        def configuration() -> Response:
            return jsonify(self.metadata())

        @app.get(f"{realm}/keys")
        def keys() -> Response:
            return Response(self.key_set(), headers=self.keys_headers, content_type="application/jwk-set+json")

        @app.get(f"{realm}/authorize")
        def authorize() -> Response:
            asked = request.args.to_dict()
            assert asked["response_type"] == "code", asked
            assert asked["client_id"] == CLIENT, asked
            assert asked["code_challenge_method"] == "S256", asked
            code = f"code-{len(self.codes)}"
            self.codes[code] = asked
            back = {"code": code, "state": asked["state"], "iss": self.issuer}
            return redirect(f"{asked['redirect_uri']}?{urlencode(back)}")  # type: ignore[return-value]

        @app.post(f"{realm}/token")
        def token() -> Response:
            asked = self.codes.pop(request.form["code"], None)
            pair = base64.b64encode(f"{CLIENT}:{SECRET.replace(' ', '%20')}".encode()).decode()
            challenge = (
                base64.urlsafe_b64encode(hashlib.sha256(request.form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
            )
            if (
                asked is None
                or request.headers.get("Authorization") != f"Basic {pair}"
                or challenge != asked["code_challenge"]
                or request.form["redirect_uri"] != asked["redirect_uri"]
            ):
                return Response('{"error": "invalid_grant"}', 400, content_type="application/json")
            return jsonify({"access_token": "opaque", "token_type": "Bearer", "id_token": self.identity(asked["nonce"])})

        return app


class _Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Provider]:
    """A provider that runs, with a certificate for localhost of an authority of its own."""
    authority = trustme.CA()
    bundle = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    made = Provider("", str(bundle))
    server = make_server("127.0.0.1", 0, made.app(), threaded=True, ssl_context=tls, request_handler=_Silent)
    made.origin = f"https://localhost:{server.port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
