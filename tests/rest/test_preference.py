"""The Prefer header: https://hl7.org/fhir/R4/http.html#ops and https://www.rfc-editor.org/rfc/rfc7240."""

import pytest

from service.rest.preference import Preference, Return, parse


@pytest.mark.parametrize(
    ("header", "preference"),
    [
        (None, Preference()),
        ("return=minimal", Preference(Return.MINIMAL)),
        ("return=representation", Preference(Return.REPRESENTATION)),
        ("return=OperationOutcome", Preference(Return.OUTCOME)),
        ("RETURN = minimal", Preference(Return.MINIMAL)),
        ('return="minimal", handling=lenient', Preference(Return.MINIMAL, lenient=True)),
        ("return=minimal; handling=lenient", Preference(Return.MINIMAL, lenient=True)),
        ("handling=strict", Preference()),
        ("return=minimal, return=representation", Preference(Return.MINIMAL)),
        ("return=everything, respond-async, =, ;;,", Preference(is_async=True)),
        ("Respond-Async", Preference(is_async=True)),
    ],
)
def test_preferences_are_understood_or_ignored(header: str | None, preference: Preference) -> None:
    assert parse(header) == preference
