"""One page that needs nothing else: no network, no script. It prints, and follows light and dark."""

from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from service.comparison.differences import short
from service.comparison.table import definitions, table_of
from service.reports.material import appendix
from service.reports.material.dossier import Dossier

MEDIA_TYPE = "text/html"
EXTENSION = "html"
HAS_IMAGES = True

_TEMPLATES = Path(__file__).parent / "templates"
_STYLE = (_TEMPLATES / "comparison.css").read_text(encoding="utf-8")
_STYLE_SHEET = Markup(_STYLE)  # noqa: S704  # nosec B704  # a file of ours
_STYLE_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()
HEADERS = {"Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:"}
"""The page's own style and pictures are all that a browser may apply; nothing may be loaded or run."""

_environment = Environment(
    loader=FileSystemLoader(_TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(dossier: Dossier) -> str:
    """Verdict, table, gap, figures, images, settings that differ, limits, appendix, in this order."""
    comparison = dossier.comparison
    labels, differences = dossier.compared_specs
    return _environment.get_template("comparison.html").render(
        comparison=comparison,
        table=table_of(comparison),
        gap=appendix.gap(dossier),
        figures=dossier.figures,
        examples=dossier.examples,
        no_examples=dossier.no_examples,
        labels=labels,
        differences=differences,
        definitions=definitions(comparison),
        provenance=appendix.provenance(dossier),
        run_columns=appendix.RUN_COLUMNS,
        run_rows=appendix.run_rows(dossier),
        style=_STYLE_SHEET,
    )


def _drawing(svg: str) -> Markup:
    return Markup(svg)  # noqa: S704  # nosec B704  # its texts are escaped


def _embedded(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{b64encode(jpeg).decode()}"


_environment.filters.update(drawing=_drawing, embedded=_embedded, short=short)
