"""The shape of the sources: sizes, names, docstrings, and the few things that only one module may do."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("service", "tests", "scripts", "benchmarks", "migrations", "tools")
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager", "info"}
FILE_LINES = {"tests": 500}
OTHER_FILE_LINES = 300
FUNCTION_LINES = 40
PARAMETERS = 6
CONFIG = "service/config.py"
CLOCK = "service/clock.py"
WRITE_OPENERS = {
    "service/audit/sequencer.py",
    "service/bulk/register_export/work.py",
    "service/records/audit_log.py",
    "service/records/clients.py",
    "service/records/commit.py",
    "service/records/emergency.py",
    "service/records/one_time_codes.py",
    "service/records/people.py",
    "service/records/rates.py",
    "service/records/register/administrations.py",
    "service/records/register/exports.py",
    "service/records/sessions.py",
    "service/records/sign_in.py",
    "service/records/token_ends.py",
    "service/records/token_requests.py",
    "service/records/tokens.py",
    "service/records/upkeep.py",
    "service/search/registries.py",
    "service/storage/grants.py",
    "service/storage/marks.py",
    "service/storage/secrets.py",
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(), filename=str(path)))


def _parameters(function: Function) -> list[str]:
    given = function.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    return [argument.arg for argument in every if argument.arg not in {"self", "cls"}]


def _undocumented(path: Path) -> Iterator[str]:
    """The module, public classes and public functions of `path` that say nothing about themselves."""
    tree = ast.parse(path.read_text())
    if not ast.get_docstring(tree):
        yield _name(path)
    owners: list[ast.Module | ast.ClassDef] = [
        tree,
        *(node for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")),
    ]
    for owner in owners:
        for node in owner.body:
            is_public = isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_") and not node.name.isupper()
            if is_public and not ast.get_docstring(node) and not _is_overload(node):
                yield f"{_name(path)}: {node.name}"


def _is_overload(node: ast.AST) -> bool:
    decorators = getattr(node, "decorator_list", [])
    return any(isinstance(decorator, ast.Name) and decorator.id == "overload" for decorator in decorators)


@pytest.mark.parametrize("folder", FOLDERS)
def test_files_stay_small(folder: str) -> None:
    limit = FILE_LINES.get(folder, OTHER_FILE_LINES)
    sizes = {_name(path): len(path.read_text().splitlines()) for path in _sources(folder)}
    assert {name: size for name, size in sizes.items() if size > limit} == {}


def test_functions_stay_small() -> None:
    sizes = {
        f"{_name(path)}:{node.lineno} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in _sources("service", "scripts", "migrations")
        for node in _nodes(path)
        if isinstance(node, Function)
    }
    assert {name: size for name, size in sizes.items() if size > FUNCTION_LINES} == {}


def test_functions_take_few_parameters() -> None:
    counts = {
        f"{_name(path)}:{node.lineno} {node.name}": len(_parameters(node))
        for path in _sources("service", "scripts")
        for node in _nodes(path)
        if isinstance(node, Function)
    }
    assert {name: count for name, count in counts.items() if count > PARAMETERS} == {}


def test_names_say_something() -> None:
    assert [
        _name(path) for path in _sources(*FOLDERS) if path.stem in {*FORBIDDEN_NAMES, "data"} or path.parent.name in FORBIDDEN_NAMES
    ] == []


def test_everything_public_is_documented() -> None:
    assert [line for path in _sources("service", "scripts") for line in _undocumented(path)] == []


def _attributes(path: Path, owner: str, names: set[str]) -> list[str]:
    return [
        f"{_name(path)}:{node.lineno}"
        for node in _nodes(path)
        if isinstance(node, ast.Attribute) and node.attr in names and isinstance(node.value, ast.Name) and node.value.id == owner
    ]


def test_only_config_reads_the_environment() -> None:
    readers = [line for path in _sources("service") if _name(path) != CONFIG for line in _attributes(path, "os", {"environ", "getenv"})]
    assert readers == []


def test_only_the_clock_reads_the_time() -> None:
    sources = [path for path in _sources("service") if _name(path) != CLOCK]
    found = [line for path in sources for line in _attributes(path, "datetime", {"now", "utcnow", "today"})]
    found += [line for path in sources for line in _attributes(path, "date", {"today"})]
    found += [line for path in sources for line in _attributes(path, "time", {"time", "time_ns", "monotonic", "perf_counter"})]
    assert found == []


def test_few_modules_open_a_write() -> None:
    openers = {_name(path) for path in _sources("service") if "database.write(" in path.read_text()}
    assert openers <= WRITE_OPENERS


def test_no_source_has_a_todo() -> None:
    marks = ("TO" + "DO", "FIX" + "ME", "XX" + "X")
    assert [_name(path) for path in _sources(*FOLDERS) if any(mark in path.read_text() for mark in marks)] == []
