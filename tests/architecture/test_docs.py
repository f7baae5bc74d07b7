"""The documentation holds together: relative links lead to files of the repository, and docs/README.md leads to every page."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("service/**/*.md"), *ROOT.glob("fhir_profiles/**/*.md")])


def _targets(page: Path) -> set[Path]:
    return {(page.parent / link).resolve() for link in LINK.findall(page.read_text())}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    assert [target for target in _targets(page) if not target.exists()] == []


def test_every_page_is_reached_from_the_index() -> None:
    index = ROOT / "docs/README.md"
    reached, waiting = {index}, {index}
    while waiting:
        found = {target for page in waiting for target in _targets(page)}
        found |= {page for folder in found if folder.is_dir() for page in folder.glob("*.md")}
        waiting = {target for target in found if target.suffix == ".md" and target.exists()} - reached
        reached |= waiting
    assert sorted(set(ROOT.glob("docs/**/*.md")) - reached) == []


def test_the_decisions_are_numbered_and_listed() -> None:
    folder = ROOT / "docs/decisions"
    pages = sorted(page.name for page in folder.glob("*.md") if page.name != "README.md")
    assert [int(name[:4]) for name in pages] == list(range(1, len(pages) + 1))
    assert [name for name in pages if f"]({name})" not in (folder / "README.md").read_text()] == []
