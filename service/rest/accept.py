"""The Accept header as a value (https://www.rfc-editor.org/rfc/rfc9110#name-accept, https://hl7.org/fhir/R4/http.html#mime-type)."""

from collections.abc import Iterator, Sequence

JSON = ("application/fhir+json", "application/json", "text/json")
HTML = ("text/html", "application/xhtml+xml")

_MOST_RANGES = 40


def quality(header: str | None, media: str) -> float:
    """How much the client likes `media`, from 0 (not at all) to 1; the most specific range decides."""
    if header is None or not header.strip():
        return 1.0
    wanted = media.partition(";")[0].strip().lower()
    best = (-1, 0.0)
    for name, weight in ranges(header):
        if (rank := _rank(name, wanted)) >= 0:
            best = max(best, (rank, weight))
    return best[1]


def ranges(header: str) -> Iterator[tuple[str, float]]:
    """The media ranges of the header with their weights."""
    for part in header.split(",")[:_MOST_RANGES]:
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        yield name, _weight(parameters)


def names_json(header: str | None) -> bool:
    """Whether the client asks for JSON by name, not just for anything."""
    return any(name in JSON and weight > 0 for name, weight in ranges(header or ""))


def wants_raw(header: str | None, media: str) -> bool:
    """Whether content of type `media` shall go out as itself: unless the client asks for FHIR JSON or a page by name."""
    named = [name for name, weight in ranges(header or "") if weight > 0]
    if any(name in JSON or name in HTML for name in named):
        return media.lower() in named and quality(header, media) > quality(header, JSON[0])
    return quality(header, media) > 0


def _rank(name: str, media: str) -> int:
    """How specifically `name` covers `media`: -1 not at all, 0 for anything, 1 for its family, 2 for itself."""
    if name == media:
        return 2
    if name == media.partition("/")[0] + "/*":
        return 1
    return 0 if name in ("*/*", "*") else -1


def _weight(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0
