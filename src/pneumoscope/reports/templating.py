"""The templates of the pages, with foreign text made harmless."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pneumoscope.reports.wording import format_probability, plain
from pneumoscope.severity import format_score

_OWN = "pneumoscope.reports"


@cache
def template_environment(package: str = _OWN) -> Environment:
    """Give the environment of all pages: escaping on, an unknown name an error.

    Parameters
    ----------
    package : str
        Whose folder ``templates`` holds the page; its style sheet is the one that all pages share.
    """
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader(_OWN)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_harmless,
    )
    environment.filters["probability"] = format_probability
    environment.filters["points"] = format_score
    return environment


def _harmless(value: Any) -> Any:
    """Make every string that a template prints harmless; autoescape then escapes its HTML."""
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value
