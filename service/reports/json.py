"""The comparison as it is: fractions, unrounded."""

from service.comparison import Comparison

MEDIA_TYPE = "application/json"
EXTENSION = "json"


def render(comparison: Comparison) -> str:
    """Indented JSON; what is missing is null."""
    return comparison.model_dump_json(indent=2) + "\n"
