"""What the wheel carries besides code: the data folders of the checkout, placed where `service.paths` looks for them.

An editable installation takes them from the checkout and needs no copy.
https://hatch.pypa.io/latest/plugins/build-hook/custom/
"""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

DATA = ("fhir_profiles", "migrations", "openapi.yaml")


class DataHook(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the data to a standard wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Map each item of DATA into `service/_resources`; a missing item fails the build."""
        if version == "standard":
            build_data["force_include"].update({name: f"service/_resources/{name}" for name in DATA})
