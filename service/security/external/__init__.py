"""An external OpenID provider in the place of the built-in tokens and accounts: Keycloak, Auth0, Entra and their like.

    discovery   where the provider's endpoints and keys are, asked once at the start
    keys        its JWK Set; key_cache keeps it, for a bounded time also when the provider does not answer
    jwt         what must hold of a signed token, an access token or an ID token, before a claim of it is believed
    claims      what the claims of an access token come to: a Caller
    code_flow   how a browser signs in: authorization code, PKCE, state and nonce
    provider    all of it together, for one service

Nothing here knows HTTP requests of ours or the database. docs/decisions/0026-external-provider.md says what is decided, and why.
"""
