"""Every answer, whoever made it, tells browsers and caches to keep it to themselves."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests
from flask import Flask
from werkzeug.test import TestResponse

from service.app import create_app
from service.config import Settings
from tests.access import admitted
from tests.databases import Databases
from tests.server import Live

SECURE = Settings(cursor_key="c" * 32, base_url="https://records.example/fhir")
HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def app(databases: Databases) -> Iterator[Flask]:
    """A service whose base URL is https."""
    with databases.fresh("sqlite") as url:
        app = create_app(replace(SECURE, database_url=url))
        yield app
        app.extensions["infusion_records"].database.dispose()


def _answers(app: Flask) -> Iterator[tuple[str, TestResponse]]:
    """What every route answers, with and without a token, as JSON and as a page; and what no route answers."""
    rules = {rule.rule.replace("<path:path>", "Patient").replace("<path:filename>", "style.css") for rule in app.url_map.iter_rules()}
    paths = sorted(rules | {"/nonsense", "/fhir/Patient/none", "/fhir/Nonsense", "/fhir/Patient?_format=xml", "/static/none"})
    assert len(paths) > 20
    for sender in (app.test_client(), admitted(app)):
        for path in paths:
            for verb in ("GET", "POST", "OPTIONS", "BREW"):
                for accept in ({}, HTML):
                    yield f"{verb} {path} {accept}", sender.open(path, method=verb, headers=accept)


def test_S34_every_answer_of_every_route_has_the_headers(app: Flask) -> None:
    statuses = set()
    for name, answer in _answers(app):
        headers = answer.headers
        statuses.add(answer.status_code)
        assert headers["X-Content-Type-Options"] == "nosniff", name
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"], name
        assert headers["Referrer-Policy"] in ("no-referrer", "same-origin"), name
        assert headers["Cross-Origin-Resource-Policy"] == "same-site", name
        assert headers["Strict-Transport-Security"] == "max-age=31536000", name
        assert headers["Cache-Control"], name
        assert "public" not in headers["Cache-Control"] or ".well-known" in name, name
        assert not any(len(headers.getlist(one)) > 1 for one in ("Cache-Control", "Content-Security-Policy", "Referrer-Policy")), name
    assert statuses >= {200, 204, 303, 400, 401, 404, 405} - {204}


def test_without_https_browsers_are_not_told_to_insist_on_it(app: Flask) -> None:
    parts = app.extensions["infusion_records"]
    plain = create_app(replace(parts.settings, base_url="http://127.0.0.1:8080/fhir"))
    answer = plain.test_client().get("/livez")
    plain.extensions["infusion_records"].database.dispose()
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Strict-Transport-Security" not in answer.headers


def test_the_server_does_not_tell_its_version(live_server: Live) -> None:
    for path in ("/livez", "/fhir/metadata", "/nonsense"):
        told = requests.get(live_server.origin + path, timeout=60).headers.get("Server", "")
        assert not any(character.isdigit() for character in told)
