"""The one commit of a form. A form that is sent again, by impatience or by a browser that repeats it, gets the answer of the first time.

The form's number is its Idempotency-Key, kept with the write, and the ledger number of what it makes: when the answer is forgotten the
register still knows the number (CS-33).
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256

from service.errors import Issue, ServiceError, Unprocessable
from service.fhir.document import encode
from service.records.change import Create
from service.records.commit import commit_once
from service.records.context import Context
from service.records.entering import number
from service.records.receipt import Answer, Receipt, recall
from service.records.write import EXISTING, Committed
from service.storage import receipts

_SECRET = frozenset({"password", "code", "form_token"})
_ATTESTING = "Provenance"
_RULES = ("cs-", "kim-")
_NAME = re.compile(r"[a-z]{1,16}")
_SEE_OTHER = 303


@dataclass(frozen=True, slots=True)
class Form:
    """One form as it was sent: its name, its number, and what was typed."""

    name: str
    number: str
    fields: Mapping[str, str]


def known(ctx: Context, form: Form) -> list[str] | None:
    """What the form made when it was sent before, as `Type/id`; None when it was not. Raises Unprocessable when it said something else
    then."""
    with _in_words():
        answer = recall(ctx, _receipt(ctx, form))
    return None if answer is None else _read(answer.body).made


def submit(ctx: Context, form: Form, changes: Sequence[Create]) -> list[str]:
    """Commit what the form makes; as `Type/id`, without the Provenance. Raises what the commit is refused with.

    The same form may be committed by another request meanwhile: then this one is refused by what that one made, and gets its answer.
    """
    with _in_words():
        try:
            answer = commit_once(ctx, changes, _receipt(ctx, form))
        except ServiceError:
            meanwhile = recall(ctx, _receipt(ctx, form))
            if meanwhile is None:
                raise
            answer = meanwhile
    return _read(answer.body).made


def warnings(ctx: Context, name: str, sent: str) -> list[str]:
    """What the caller was warned of when the form was recorded, as long as its answer is kept."""
    if not number.is_number(sent) or not _NAME.fullmatch(name):
        return []
    with ctx.glance() as tx:
        kept = receipts.find(tx, (ctx.client, _route(ctx, name), sent), ctx.service.clock())
    return _read(kept.body).told if kept else []


@dataclass(frozen=True, slots=True)
class _Made:
    made: list[str]
    told: list[str]


def _read(body: str) -> _Made:
    return _Made(**json.loads(body))


@contextmanager
def _in_words() -> Iterator[None]:
    """A form that came before with other content is told of in the words of forms."""
    try:
        yield
    except Unprocessable as error:
        if [issue.rule for issue in error.issues] != ["idempotency-key"]:
            raise
        says = (
            "This form was recorded before, and said something else then. Look at what was recorded; for anything new open the page again."
        )
        raise Unprocessable.of("duplicate", "form-number", says) from None


def _receipt(ctx: Context, form: Form) -> Receipt:
    typed = encode({name: value for name, value in sorted(form.fields.items()) if name not in _SECRET})
    return Receipt(ctx.client, _route(ctx, form.name), form.number, sha256(typed.encode()).hexdigest(), _concluded)


def _concluded(_: Context, committed: Sequence[Committed]) -> Answer:
    for one in committed:
        if one.outcome == EXISTING:
            says = f"{one.type}/{one.id} has one of these serial numbers already: a vial is received once. Look at the label."
            raise Unprocessable.of("duplicate", "form-serial", says, "Medication.identifier")
    made = [f"{one.type}/{one.id}" for one in committed if one.type != _ATTESTING]
    told = [f"{issue.diagnostics} ({issue.rule})" for one in committed for issue in one.findings if _is_for_people(issue)]
    return Answer(_SEE_OTHER, {}, json.dumps({"made": made, "told": list(dict.fromkeys(told))}))


def _is_for_people(issue: Issue) -> bool:
    """Whether it is a warning of the register or of its profiles: those of codes and formats are for programs."""
    return issue.severity == "warning" and issue.rule.startswith(_RULES)


def _route(ctx: Context, name: str) -> str:
    return f"form {name} of {ctx.caller.user}"
