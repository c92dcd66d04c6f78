"""One page that needs nothing else: no network, no script. It prints, and follows light and dark."""

from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from service.comparison import Comparison
from service.comparison.figure import delta_figure
from service.comparison.table import definitions, table_of

MEDIA_TYPE = "text/html"
EXTENSION = "html"

_TEMPLATES = Path(__file__).parent / "templates"
_STYLE = (_TEMPLATES / "comparison.css").read_text(encoding="utf-8")
_STYLE_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()
HEADERS = {"Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'"}
"""The page's own style is all that a browser may apply, and nothing may be loaded or run."""

_environment = Environment(
    loader=FileSystemLoader(_TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(comparison: Comparison) -> str:
    """Verdict, figure, table, how to read it, searches and warnings, in this order."""
    return _environment.get_template("comparison.html").render(
        comparison=comparison,
        table=table_of(comparison),
        figure=Markup(delta_figure(comparison)),  # noqa: S704 - its texts are escaped where it is drawn
        definitions=definitions(comparison),
        style=Markup(_STYLE),  # noqa: S704 - a file of ours
    )
