"""Media types: https://hl7.org/fhir/R4/http.html#mime-type and https://www.rfc-editor.org/rfc/rfc9110#name-accept."""

import pytest

from service.errors import NotAcceptable
from service.rest.accept import wants_raw
from service.rest.exchange import FhirRequest
from service.web.negotiation import Look, look

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


def asked(accept: str | None = None, *query: tuple[str, str], path: tuple[str, ...] = ("Patient", "1")) -> FhirRequest:
    return FhirRequest("GET", path, query, {} if accept is None else {"accept": accept})


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, Look()),
        ("*/*", Look()),
        ("application/*", Look()),
        ("application/fhir+json", Look()),
        ("application/fhir+json; fhirVersion=4.0", Look()),
        ("application/json", Look(media_type="application/json")),
        ("application/xml, application/json;q=0.1", Look(media_type="application/json")),
        ("text/html;q=0.4, application/fhir+json;q=0.5", Look()),
        ("text/html, application/fhir+json", Look()),
        ("application/fhir+json;q=nonsense, */*", Look(media_type="application/json")),
    ],
)
def test_json_is_what_the_api_speaks(accept: str | None, expected: Look) -> None:
    assert look(asked(accept)) == expected


@pytest.mark.parametrize("accept", [BROWSER, "text/html", "text/html;q=0.9, application/fhir+json;q=0.5"])
def test_who_likes_pages_better_gets_pages(accept: str) -> None:
    assert look(asked(accept)).html


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ("json", Look()),
        ("application/fhir json", Look()),
        ("application/fhir+json", Look()),
        ("application/json; fhirVersion=4.0", Look()),
        ("html", Look(html=True)),
        ("text/html", Look(html=True)),
    ],
)
def test_format_outranks_the_header(wish: str, expected: Look) -> None:
    assert look(asked("text/html", ("_format", wish))) == expected
    assert look(asked("application/fhir+xml", ("_format", wish), ("_pretty", "true"))).pretty


@pytest.mark.parametrize("accept", ["application/fhir+xml", "application/xml", "text/xml;q=1"])
def test_xml_is_refused_with_the_reason(accept: str) -> None:
    with pytest.raises(NotAcceptable, match="XML is not offered"):
        look(asked(accept))


@pytest.mark.parametrize("wish", ["xml", "application/fhir+xml", "ttl", ""])
def test_a_format_that_is_not_offered_is_refused(wish: str) -> None:
    with pytest.raises(NotAcceptable):
        look(asked("*/*", ("_format", wish)))


@pytest.mark.parametrize("accept", ["image/png", "application/fhir+json;q=0", "application/fhir+json; fhirVersion=3.0", "," * 5000])
def test_other_headers_are_refused(accept: str) -> None:
    with pytest.raises(NotAcceptable):
        look(asked(accept))


def test_a_binary_may_be_asked_for_as_itself() -> None:
    assert look(asked("application/pdf", path=("Binary", "1"))) == Look()
    assert wants_raw("application/pdf", "application/pdf")
    assert wants_raw("*/*", "application/pdf")
    assert wants_raw(None, "application/pdf")
    assert not wants_raw("application/fhir+json", "application/pdf")
    assert not wants_raw(BROWSER, "application/pdf")
    assert not wants_raw("image/png", "application/pdf")
