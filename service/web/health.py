"""Whether the process lives, and whether it can do its work: for load balancers and container engines."""

from flask import Flask, Response

from service.records import audit_log, installation
from service.records.context import Service
from service.storage import failures, migrate

_PLAIN = "text/plain; charset=utf-8"
_INSECURE = "INSECURE: no authentication; everyone on this machine may read and change everything"


def register(app: Flask, service: Service) -> None:
    """Adds /livez and /readyz."""
    app.add_url_rule("/livez", "health.livez", lambda: Response("alive\n", content_type=_PLAIN))
    watch = installation.Watch(service)
    app.add_url_rule("/readyz", "health.readyz", lambda: _ready(service, watch))


def _ready(service: Service, watch: installation.Watch) -> Response:
    """200 when the database answers and its schema is the newest; 503 tells which of the two is missing.

    Definitions of the clinic that are not those of this version are told too, and how far the log of the audit trail is behind; they do
    not keep the service from its work.
    """
    try:
        with failures.translated():
            migrate.require_newest(service.database)
            advice, behind = watch.advice(), str(audit_log.state(service))
    except migrate.OutOfDate as error:
        return _not_ready(str(error))
    except Exception:  # noqa: BLE001 - whatever keeps the database away, the answer is the same
        return _not_ready("the database does not answer")
    if service.provider is not None and (complaint := service.provider.complaint()):
        return _not_ready(complaint)
    told = ["ready", *filter(None, (advice, behind, _INSECURE if service.is_insecure else ""))]
    return Response("\n".join(told) + "\n", content_type=_PLAIN)


def _not_ready(reason: str) -> Response:
    return Response(f"not ready: {reason}\n", 503, {"Retry-After": "5"}, content_type=_PLAIN)
