"""What every answer says to browsers and caches, whoever made it: pages, FHIR, OAuth, static files, refusals.

An answer that says something else by itself keeps it. https://owasp.org/www-project-secure-headers/, https://fetch.spec.whatwg.org/
"""

from urllib.parse import urlsplit

from flask import Flask, Response

from service.records.context import Service

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-site",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""`Cross-Origin-Resource-Policy` does not bind web apps with a registered origin: what they ask for by CORS is governed by CORS alone."""
TRANSPORT = {"Strict-Transport-Security": "max-age=31536000"}
"""With an https BASE_URL: browsers come back by https only, for a year."""


def register(app: Flask, service: Service) -> None:
    """Adds them to the answers of `app`, after everything else did."""
    told = {**HEADERS, **(TRANSPORT if urlsplit(service.settings.base_url).scheme == "https" else {})}

    def guarded(response: Response) -> Response:
        for name, value in told.items():
            if name not in response.headers:
                response.headers[name] = value
        return response

    app.after_request(guarded)
