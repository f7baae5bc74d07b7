"""What `$meta-add` and `$meta-delete` share: one input, a Meta; one write, a new version; one answer, the meta that results.

Nothing is overwritten: a change of labels is a version like any other, with `If-Match` and Idempotency-Key as on every write. A change
that changes nothing makes no version.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from service.records.change import Patch
from service.records.context import Context
from service.records.labels import MEMBERS, Labels
from service.records.write import Committed
from service.rest import idempotency, precondition, response
from service.rest.exchange import Call, FhirResponse
from service.rest.operations import arguments, meta
from service.rest.operations.arguments import Arguments
from service.rest.operations.operation import Parameter

PARAMETERS = (Parameter("meta", "Meta", required=True),)


def changed(ctx: Context, call: Call, given: Arguments, adds: bool) -> FhirResponse:
    """Adds the labels of the Meta to the resource, or takes them away."""
    wanted = given.tree("meta")
    assert wanted is not None
    _require_labels(wanted)
    patch = Labels({name: tuple(wanted.get(name, ())) for name in MEMBERS}, adds)
    change = Patch(call.named_type, call.named_id, patch, if_match=precondition.required_version(call.header("if-match")))
    return idempotency.answered(ctx, call, [change], _answer)


def _answer(_: Context, done: Sequence[Committed]) -> FhirResponse:
    one = done[0]
    assert one.id is not None
    assert one.text is not None
    return meta.of_version(one.text, response.Named(one.type, one.id, one.version, one.last_updated))


def _require_labels(wanted: Mapping[str, Any]) -> None:
    """Only what makes a set can be added or taken away: `versionId` and `lastUpdated` are the server's, `source` is the author's."""
    for name in wanted:
        if name not in MEMBERS:
            raise arguments.refused(
                "meta", f"The meta of this operation holds {', '.join(MEMBERS)}, not {name[:40]!r}. Leave it out.", "not-supported"
            )
    if not wanted:
        raise arguments.refused("meta", f"The meta is empty. Give it {', '.join(MEMBERS)}.", "required")
