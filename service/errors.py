"""The error tree. Each class is one HTTP status; each instance carries the OperationOutcome issues that explain it.

    ServiceError            status
      BadRequest            400   the request cannot be understood
      Unauthorized          401   it does not say who asks, or not credibly
      Forbidden             403   whoever asks may not do this
      NotFound              404   no such resource, type or route
      MethodNotAllowed      405   the route exists, the verb does not
      NotAcceptable         406   no representation that the client accepts
      Conflict              409   the state of the record forbids it
      Gone                  410   the resource was deleted
      PreconditionFailed    412   If-Match, If-None-Match or a condition did not hold
      PayloadTooLarge       413   a limit on size was passed
      UnsupportedMediaType  415   the body is in a format that is not served
      Unprocessable         422   understood, but the rules of the record refuse it
      TooManyRequests       429   the client asks more often than it may
      Overloaded            503   try again later; nothing was written

Issue codes are those of https://hl7.org/fhir/R4/valueset-issue-type.html.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Self

RULES_SYSTEM = "https://clinic.example/fhir/CodeSystem/rules"


@dataclass(frozen=True, slots=True)
class Issue:
    """One line of an OperationOutcome.

    `severity` is fatal, error, warning or information; `code` a FHIR issue type; `rule` our own kebab-case name of the
    rule; `diagnostics` names the element, the rule and the mend; `expression` is the FHIRPath of the element, indexed.
    Where several changes are made at once, `entry` is the place of the one that the line is about. `profile` is the canonical URL
    of the profile whose rule it is; None for R4's own rules and ours.
    """

    severity: str
    code: str
    rule: str
    diagnostics: str
    expression: str | None = None
    entry: int | None = None
    profile: str | None = None


@dataclass(eq=False)
class ServiceError(Exception):
    """A request that is refused: `issues` say why, `headers` go out with the answer, `entry` is the Bundle entry at fault."""

    issues: Sequence[Issue]
    headers: Mapping[str, str] = field(default_factory=dict)
    entry: int | None = None

    status: ClassVar[int] = 500

    @classmethod
    def of(cls, code: str, rule: str, diagnostics: str, expression: str | None = None) -> Self:
        """An error with one issue of severity error."""
        return cls((Issue("error", code, rule, diagnostics, expression),))

    def __str__(self) -> str:
        return "; ".join(issue.diagnostics for issue in self.issues)


class BadRequest(ServiceError):
    """400: the request cannot be understood."""

    status = 400


class Unauthorized(ServiceError):
    """401: the request does not say who asks, or not credibly."""

    status = 401


class Forbidden(ServiceError):
    """403: whoever asks may not do this. It never names an entry of a Bundle: what is refused must not tell what is there."""

    status = 403


class NotFound(ServiceError):
    """404: no such resource, type or route."""

    status = 404


class MethodNotAllowed(ServiceError):
    """405: the route exists, the verb does not."""

    status = 405


class NotAcceptable(ServiceError):
    """406: no representation that the client accepts."""

    status = 406


class Conflict(ServiceError):
    """409: the state of the record forbids it."""

    status = 409


class Gone(ServiceError):
    """410: the resource was deleted."""

    status = 410


class PreconditionFailed(ServiceError):
    """412: a stated precondition did not hold."""

    status = 412


class PayloadTooLarge(ServiceError):
    """413: a limit on size was passed."""

    status = 413


class UnsupportedMediaType(ServiceError):
    """415: the body is in a format that is not served."""

    status = 415


class Unprocessable(ServiceError):
    """422: understood, but the rules of the record refuse it."""

    status = 422


class TooManyRequests(ServiceError):
    """429: the client asks more often than it may; Retry-After says when to come back."""

    status = 429


class Overloaded(ServiceError):
    """503: the service cannot answer now; nothing was written, and Retry-After says when to come back."""

    status = 503
