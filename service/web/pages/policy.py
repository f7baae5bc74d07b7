"""The headers of every page: nothing is cached, nothing is framed, nothing comes from another origin.

https://www.w3.org/TR/CSP3/. A page holds no script at all; the API reference alone runs the bundled Swagger UI.
"""

from collections.abc import Mapping

_CLOSED = "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
_SHARED = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

PAGE: Mapping[str, str] = {
    **_SHARED,
    "Content-Security-Policy": f"default-src 'self'; script-src 'none'; {_CLOSED}",
}
"""For pages without scripts: all of them but the API reference."""

REFERENCE: Mapping[str, str] = {
    **_SHARED,
    "Content-Security-Policy": f"default-src 'self'; img-src 'self' data:; {_CLOSED}",
}
"""For the API reference: Swagger UI draws its icons from `data:` images."""
