"""Writes a table under `fhir_profiles/` from an ordinary FHIR package.

    python -m scripts.packages PACKAGE.tgz [--output FILE]

The table holds the StructureDefinitions, ValueSets, CodeSystems and CapabilityStatements of servers, trimmed (`scripts.trimming`), one a
line. By default it is `fhir_profiles/<short name>/<version>.ndjson`, for `hl7.fhir.us.core` version 6.1.0 `us-core/6.1.0.ndjson`.
A profile whose parent neither R4 nor the package defines is put on the R4 type. The output is deterministic.
https://hl7.org/fhir/packages.html
"""

import argparse
import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from scripts.trimming import TRIMMED, write_table
from service.fhir.profile.differential import CORE, rebased

TABLES = Path(__file__).resolve().parents[1] / "fhir_profiles"
REALM = "hl7.fhir."


def contents(package: Path) -> Iterator[dict[str, Any]]:
    """Every JSON file right under `package/`, parsed: the manifest and the conformance resources, no examples."""
    with tarfile.open(package, mode="r:gz") as tar:
        for member in tar:
            folder, _, name = member.name.partition("/")
            handle = tar.extractfile(member)
            if folder == "package" and handle and name.endswith(".json") and "/" not in name and not name.startswith("."):
                yield json.loads(handle.read())


def default_table(manifest: Mapping[str, Any]) -> Path:
    """Where the table of a package is kept."""
    return TABLES / str(manifest["name"]).removeprefix(REALM).replace(".", "-") / f"{manifest['version']}.ndjson"


def grounded(resources: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The resources that have a trimmed form, profiles with a parent that R4 or the package defines."""
    kept = [one for one in resources if one.get("resourceType") in TRIMMED and not is_of_clients(one)]
    here = {one["url"] for one in kept}
    for one in kept:
        parent = one.get("baseDefinition", CORE)
        yield one if parent.startswith(CORE) or parent.split("|")[0] in here else rebased(one)


def is_of_clients(resource: Mapping[str, Any]) -> bool:
    """Whether this says what clients must be capable of."""
    return any(one["mode"] == "client" for one in resource.get("rest", ()))


def main() -> None:
    """Reads one package, writes its table and prints how large it is."""
    parser = argparse.ArgumentParser(prog="python -m scripts.packages", description="Write the table of a FHIR package.")
    parser.add_argument("package", type=Path, help="the package, a .tgz")
    parser.add_argument("--output", type=Path, help="the table (default: by the package's name and version)")
    options = parser.parse_args()
    everything = list(contents(options.package))
    manifest = next(one for one in everything if "fhirVersions" in one or "dependencies" in one)
    target = options.output or default_table(manifest)
    target.parent.mkdir(parents=True, exist_ok=True)
    path = write_table(target, grounded(everything))
    print(f"{path}: {path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
