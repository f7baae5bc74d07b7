"""The Prefer header as a value (https://hl7.org/fhir/R4/http.html#ops, https://www.rfc-editor.org/rfc/rfc7240).

Preferences that are unknown, repeated or malformed are ignored, as RFC 7240 wants: a preference is never an error.
"""

from dataclasses import dataclass
from enum import StrEnum


class Return(StrEnum):
    """What a write answers with."""

    MINIMAL = "minimal"
    REPRESENTATION = "representation"
    OUTCOME = "OperationOutcome"


@dataclass(frozen=True, slots=True)
class Preference:
    """`returns` is None when the client did not say; `lenient` is True for `handling=lenient`, `is_async` for `respond-async`."""

    returns: Return | None = None
    lenient: bool = False
    is_async: bool = False

    def returning(self, default: Return) -> Return:
        """What to return, by the client's wish or by `default`."""
        return self.returns or default


def parse(header: str | None) -> Preference:
    """The preferences that a Prefer header states; the first of each name counts."""
    stated: dict[str, str] = {}
    for part in (header or "").replace(";", ",").split(","):
        name, _, value = part.partition("=")
        stated.setdefault(name.strip().lower(), value.strip().strip('"'))
    returns = next((one for one in Return if one.lower() == stated.get("return", "").lower()), None)
    return Preference(returns, stated.get("handling", "").lower() == "lenient", "respond-async" in stated)


def applied(preference: Preference, returned: Return) -> dict[str, str]:
    """The Preference-Applied header for a write that answered with `returned`."""
    return {"Preference-Applied": f"return={returned.value}"} if preference.returns is returned else {}
