"""The template environment of the pages: every value is escaped, a name that is missing is an error.

Jinja2 is used directly, not through Flask, so that a page is a pure function of its parts.
"""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from service.web.pages.site import Site


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("service.web.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page(template: str, site: Site, **parts: object) -> str:
    """The HTML of the template file `template`; `site` and `parts` are the names that it can use."""
    return _environment().get_template(template).render(site=site, **parts)
