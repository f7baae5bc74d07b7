"""Writes what is made from the clinic's definitions.

    python -m scripts.guide            # the ImplementationGuide resource and docs/profiles.md
    python -m scripts.guide package    # these, and the FHIR package in dist/

Deterministic: a second run changes nothing.
"""

import sys

from scripts.guide import contents, document, package
from scripts.guide.source import ROOT, Source


def main() -> None:
    """Writes the files and prints their names."""
    source = Source()
    contents.PATH.write_text(contents.text(source), encoding="utf-8")
    document.PATH.write_text(document.text(source), encoding="utf-8")
    written = [contents.PATH, document.PATH]
    if "package" in sys.argv[1:]:
        written.append(package.write(source, ROOT / "dist"))
    for path in written:
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
