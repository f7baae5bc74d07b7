"""What the demonstration prints when it is ready: where to look, as whom, and curl lines that work."""

from collections.abc import Iterable, Mapping

from service.demo import clinic
from service.demo.accounts import Account
from service.demo.admission import SECONDS, Admitted

_HOUR = 60 * 60
_TAG = "http://terminology.hl7.org/CodeSystem/v3-ActCode|CTLSUB"
_DAY = clinic.DEFAULT_DAY
_QUERIES = (
    ("ehr", "the day's visits with their patients, page by page", f"Encounter?date={_DAY}&_include=Encounter:subject&_count=5"),
    ("ehr", "the day's adverse events", f"AdverseEvent?date={_DAY}&_include=AdverseEvent:subject"),
    (
        "auditor",
        "controlled substances given that day",
        f"MedicationAdministration?_tag={_TAG}&effective-time={_DAY}&_include=MedicationAdministration:medication",
    ),
    (
        "auditor",
        "who got ketamine of one lot",
        "MedicationAdministration?medication.lot-number=KET24A117&_include=MedicationAdministration:subject",
    ),
    (
        "ehr",
        "one patient's blood pressure, newest first",
        "Observation?code=85354-9&patient.identifier=KET-000205&_sort=-date&_count=3",
    ),
)
"""Five questions: the role that may ask, what is asked, and the query."""


def welcome(base_url: str, admitted: Mapping[str, Admitted], accounts: Iterable[Account]) -> str:
    """The text, for clients that were `admitted` and people who have `accounts`."""
    first = admitted["ehr"]
    lines = [
        *places(base_url),
        "",
        *(f"  sign in as {account.login:<14} {account.password}   ({account.role})" for account in accounts),
        "",
        f"# tokens are good for {SECONDS // _HOUR} hours, one file for each role beside {first.header}; this is the EHR's:",
        f"curl -s -H 'Authorization: Bearer {first.token}' '{base_url}/Encounter?_count=1'",
    ]
    for role, title, query in _QUERIES:
        lines += [f"# {title}", f"curl -s -H @{admitted[role].header} '{base_url}/{query}'"]
    return "\n".join(lines)


def places(base_url: str) -> list[str]:
    """The URLs to begin with."""
    root = base_url.removesuffix("/fhir")
    return [f"FHIR API   {base_url}/metadata", f"pages      {root}/", f"sign in    {root}/sign-in", f"API docs   {root}/docs"]


def open_welcome(base_url: str, warning: str) -> str:
    """The text of the demonstration that is open to this machine."""
    lines = [warning, *places(base_url)]
    for _, title, query in _QUERIES:
        lines += [f"# {title}", f"curl -s '{base_url}/{query}'"]
    return "\n".join(lines)
