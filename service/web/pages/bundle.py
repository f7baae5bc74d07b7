"""The entries of a searchset or history Bundle as rows of a table (https://hl7.org/fhir/R4/bundle.html)."""

from dataclasses import dataclass
from urllib.parse import unquote

from service.web.pages import summary
from service.web.pages.site import Site
from service.web.pages.summary import Tree

_RELATIONS = {"first": "First page", "previous": "Previous page", "prev": "Previous page", "next": "Next page"}


@dataclass(frozen=True, slots=True)
class Row:
    """One entry: the link to it, why it is here, and the resource in a few words; a link is None when it leads elsewhere."""

    type: str
    id: str
    link: str | None
    mode: str
    version: str
    updated: str
    what: str
    details: str
    when: str
    status: str
    who: str
    who_link: str | None
    response: str


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table: its heading and the member of Row that it shows."""

    heading: str
    member: str


_COLUMNS = (
    Column("What", "what"),
    Column("Details", "details"),
    Column("When", "when"),
    Column("Status", "status"),
    Column("About", "who"),
)


@dataclass(frozen=True, slots=True)
class PageLink:
    """A link of the Bundle to another page of itself."""

    relation: str
    words: str
    link: str


def rows(tree: Tree, site: Site) -> list[Row]:
    """The entries in their order; names of resources that the Bundle itself holds stand in for references to them."""
    entries = [entry for entry in tree.get("entry", ()) if isinstance(entry, dict)]
    names = _names(entries)
    return [_row(entry, names, site) for entry in entries]


def columns(shown: list[Row]) -> list[Column]:
    """The columns that at least one row has something for."""
    return [column for column in _COLUMNS if any(getattr(row, column.member) for row in shown)]


def page_links(tree: Tree, site: Site) -> list[PageLink]:
    """The links to the first, previous and next page that the Bundle offers; `self` is the page itself."""
    offered = {link.get("relation"): link.get("url", "") for link in tree.get("link", ())}
    found = [(relation, words, site.own(offered.get(relation, ""))) for relation, words in _RELATIONS.items()]
    return [PageLink(relation, words, link) for relation, words, link in found if link]


def self_link(tree: Tree, site: Site) -> PageLink | None:
    """The Bundle's link to itself: the search as the server understood it."""
    url = next((link.get("url", "") for link in tree.get("link", ()) if link.get("relation") == "self"), "")
    link = site.own(url)
    return PageLink("self", unquote(url), link) if link else None


def _names(entries: list[Tree]) -> dict[str, str]:
    resources = [entry["resource"] for entry in entries if isinstance(entry.get("resource"), dict)]
    named = {f"{tree.get('resourceType')}/{tree.get('id')}": summary.label(tree) for tree in resources}
    return {reference: name for reference, name in named.items() if name}


def _row(entry: Tree, names: dict[str, str], site: Site) -> Row:
    tree = entry.get("resource", {})
    request, response = entry.get("request", {}), entry.get("response", {})
    meta = tree.get("meta", {})
    version = meta.get("versionId") or response.get("etag", "").removeprefix("W/").strip('"')
    name = _name(entry, tree)
    person = summary.subject(tree) or {}
    reference = str(person.get("reference", ""))
    return Row(
        type=name.partition("/")[0],
        id=name.partition("/")[2],
        link=_link(name, version if request else "", site),
        mode=entry.get("search", {}).get("mode", ""),
        version=version,
        updated=meta.get("lastUpdated") or response.get("lastModified", ""),
        what="Deleted" if request.get("method") == "DELETE" else summary.label(tree, names),
        details=summary.details(tree),
        when=summary.when(tree, site),
        status=summary.status(tree),
        who=summary.text_of(person.get("display")) or names.get(reference, reference),
        who_link=site.reference(reference),
        response=f"{request.get('method', '')} → {response.get('status', '')[:3]}" if request else "",
    )


def _name(entry: Tree, tree: Tree) -> str:
    """`Type/id` of an entry; a deleted one has no resource, only the URLs of its request."""
    if "id" in tree:
        return f"{tree.get('resourceType')}/{tree['id']}"
    address = entry.get("fullUrl") or entry.get("request", {}).get("url", "")
    return "/".join(str(address).rstrip("/").split("/")[-2:])


def _link(name: str, version: str, site: Site) -> str | None:
    return site.reference(f"{name}/_history/{version}" if version else name)
