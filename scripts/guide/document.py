"""`docs/profiles.md`: the guide for people who connect a system, made from the definitions."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from scripts.guide.source import ROOT, Source, Tree
from service.fhir.guide import BASE, ID
from service.fhir.profile import outline
from service.fhir.profile.outline import Line, TypeLine

PATH = ROOT / "docs" / "profiles.md"
_UNCONFIRMED = " ⚠"
_INTRODUCTION = f"""# Profiles

Made from the definitions in [fhir_profiles/clinic](../fhir_profiles/clinic/) by `python -m scripts.guide`; do not edit it by hand.

How a record of ketamine infusions is written in FHIR R4, for those who send such records to the service or read them. The guide is
`{ID}`, its canonical base `{BASE}`. A resource claims a profile in `meta.profile`, and is held to it when it is
written ([validation.md](validation.md)). A running service serves all of this: `GET {{base}}/StructureDefinition?url=…`, and in a browser
as pages. `make package` writes the guide as a FHIR package for other tools.

Tables list what a profile says beyond its parent. *Card.* is how often an element must and may come; **S** marks what a system must be
able to fill and to show. An indented name with a colon is a slice: a part of the repetitions, told apart as its element says.
Codes marked{_UNCONFIRMED} were read in a secondary source only and are to be confirmed before they are relied on.
"""


def text(source: Source) -> str:
    """The document."""
    return "\n".join(_parts(source)).rstrip("\n") + "\n"


def _parts(source: Source) -> Iterator[str]:
    yield _INTRODUCTION
    yield from _overview(source)
    yield "## Profiles of resources\n"
    for tree in source.profiles():
        yield from _profile(tree, source)
    yield "## Extensions\n"
    for tree in source.extensions():
        yield from _profile(tree, source)
    yield "## Value sets\n"
    for tree in source.of_type("ValueSet"):
        yield from _value_set(tree, source)
    yield "## Code systems\n"
    for tree in source.of_type("CodeSystem"):
        yield from _code_system(tree)
    yield from _rest(source)


def _overview(source: Source) -> Iterator[str]:
    yield "| profile | of | what it is for |\n|---|---|---|"
    for tree in source.profiles():
        yield f"| [{tree['id']}](#{tree['id']}) | {tree['type']} | {_cell(tree['title'])} |"
    yield ""


def _profile(tree: Tree, source: Source) -> Iterator[str]:
    lines = outline.lines(tree)
    yield f"### {tree['id']}\n\n**{tree['title']}.** {tree['description']}\n"
    yield f"`{tree['url']}`, on {_definition(tree['baseDefinition'], source)}{_context(tree)}.\n"
    yield "| element | card. | type | S | what it is |\n|---|---|---|---|---|"
    yield from (_row(line, source) for line in lines[1:])
    yield ""
    rules = [(line, rule) for line in lines for rule in line.invariants]
    if rules:
        yield "Rules:\n"
        yield from (f"- `{rule.key}` ({rule.severity}, on `{line.id}`): {rule.sentence} `{rule.expression}`" for line, rule in rules)
        yield ""
    if named := outline.extensions(tree):
        yield f"Extensions: {', '.join(_definition(url, source) for url in named)}.\n"
    if examples := source.examples_of(tree["id"]):
        yield f"Examples: {', '.join(_file(one.path) for one in examples)}.\n"


def _row(line: Line, source: Source) -> str:
    name = "&nbsp;" * 3 * (line.level - 1) + f"`{line.name}`"
    kinds = " or ".join(_type(one, source) for one in line.types)
    words = [line.short or line.definition]
    if line.definition and line.short and line.definition != line.short:
        words.append(line.definition)
    words += [line.slicing.capitalize()] if line.slicing else []
    words += [f"Value: {line.value}"] if line.value else []
    if line.binding:
        words.append(f"Codes ({line.binding[0]}): {_value_set_link(line.binding[1], source)}")
    told = " ".join(one if one.endswith(".") else f"{one}." for one in words if one)
    return f"| {name} | {line.cardinality} | {_cell(kinds)} | {'S' if line.must_support else ''} | {_cell(told)} |"


def _type(one: TypeLine, source: Source) -> str:
    if one.targets:
        return f"{one.code}({', '.join(_definition(url, source) for url in one.targets)})"
    if one.profiles:
        return f"{one.code} {', '.join(_definition(url, source) for url in one.profiles)}"
    return one.code


def _definition(url: str, source: Source) -> str:
    """A link to a definition of this guide; the name of any other."""
    ours = next((tree for tree in source.of_type("StructureDefinition") if tree["url"] == url.partition("|")[0]), None)
    return f"[{ours['id']}](#{ours['id']})" if ours else f"`{outline.short_name(url)}`"


def _value_set_link(url: str, source: Source) -> str:
    ours = next((tree for tree in source.of_type("ValueSet") if tree["url"] == url.partition("|")[0]), None)
    return f"[{ours['id']}](#valueset-{ours['id']})" if ours else f"`{url}`"


def _context(tree: Tree) -> str:
    places = [one["expression"] for one in tree.get("context", ())]
    return f", used on {', '.join(f'`{place}`' for place in places)}" if places else ""


def _value_set(tree: Tree, source: Source) -> Iterator[str]:
    yield f"### ValueSet {tree['id']}\n\n**{tree.get('title', tree['name'])}.** {tree.get('description', '')}\n\n`{tree['url']}`\n"
    compose = tree.get("compose", {})
    for include in compose.get("include", ()):
        yield from _include(include, source)
    yield from (f"Without codes of `{one.get('system', '')}`.\n" for one in compose.get("exclude", ()))


def _include(include: Tree, source: Source) -> Iterator[str]:
    system = include.get("system", "")
    if "concept" in include:
        yield f"Of `{system}`:\n\n| code | display |\n|---|---|"
        for one in include["concept"]:
            mark = _UNCONFIRMED if (system, one["code"]) in source.unconfirmed else ""
            yield f"| `{one['code']}` | {_cell(one.get('display', ''))}{mark} |"
        yield ""
    elif "filter" in include:
        told = " and ".join(f"{one['property']} {one['op']} {one['value']}" for one in include["filter"])
        yield f"Every code of `{system}` with {told}.\n"
    elif system:
        yield f"Every code of `{system}`.\n"
    for url in include.get("valueSet", ()):
        yield f"Every code of {_value_set_link(url, source)}.\n"


def _code_system(tree: Tree) -> Iterator[str]:
    yield f"### CodeSystem {tree['id']}\n\n**{tree.get('title', tree['name'])}.** {tree.get('description', '')}\n\n`{tree['url']}`\n"
    yield "| code | display | meaning |\n|---|---|---|"
    yield from _concepts(tree.get("concept", ()), 0)
    yield ""


def _concepts(concepts: Iterable[Tree], level: int) -> Iterator[str]:
    for one in concepts:
        yield f"| {'&nbsp;' * 3 * level}`{one['code']}` | {_cell(one.get('display', ''))} | {_cell(one.get('definition', ''))} |"
        yield from _concepts(one.get("concept", ()), level + 1)


def _rest(source: Source) -> Iterator[str]:
    yield "## Maps, questionnaires, searches and operations\n\n| definition | what it is for |\n|---|---|"
    for tree in source.of_type("ConceptMap", "Questionnaire", "SearchParameter", "OperationDefinition"):
        path = f"../fhir_profiles/clinic/{tree['resourceType']}-{tree['id']}.json"
        yield f"| [{tree['resourceType']} {tree['id']}]({path}) | {_cell(tree.get('description') or tree.get('title', ''))} |"


def _file(path: Path) -> str:
    return f"[{path.stem.partition('--')[2]}](../{path.relative_to(ROOT).as_posix()})"


def _cell(words: str) -> str:
    return words.replace("|", "\\|").replace("\n", " ")
