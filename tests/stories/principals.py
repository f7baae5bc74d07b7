"""Who takes part in the stories: each with the scopes of its role and nothing more."""

from pathlib import Path

from service.records.clients import Registration
from service.security.roles import ROLES

_DOCUMENT = Path(__file__).parents[2] / "docs" / "charting-app.md"

EHR = Registration("ehr", role="ehr")
AUDITOR = Registration("auditor", role="auditor")
CLINICIAN = Registration("bedside", " ".join(ROLES["clinician"].scopes_of_a_person), role="clinician")


def charting() -> Registration:
    """The app that writes the visit, with the scopes that the documentation gives it."""
    text = _DOCUMENT.read_text(encoding="utf-8")
    fenced = text[text.index("<!-- scopes -->") : text.index("<!-- /scopes -->")]
    return Registration("charting", fenced.split("```")[1])


def gateway(device: str, number: int) -> Registration:
    """A gateway that speaks for one device (`Device/id`)."""
    return Registration(f"gateway-{number}", role="gateway", device=device)
