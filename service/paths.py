"""Where the data files that travel with the code are: beside it in a checkout, inside it in an installed wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def resource_path(name: str) -> Path:
    """The folder or file `name` (`fhir_profiles`, `migrations`, `openapi.yaml`).

    A wheel carries its copies under `service/_resources`; a checkout has them at its top level.
    Raises FileNotFoundError when neither place has it: the installation is broken.
    """
    for candidate in (_PACKAGE / "_resources" / name, _PACKAGE.parent / name):
        if candidate.exists():
            return candidate
    raise FileNotFoundError(f"{name} is missing from the installation at {_PACKAGE}")
