"""Drawings as PDF, for papers: set by Typst, which keeps them as vectors."""

from datetime import UTC, datetime

import typst

NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""So that the same comparison gives the same bytes."""
_PAGE = b"""#set page(width: auto, height: auto, margin: 2mm)
#image(bytes(sys.inputs.svg), format: "svg")
"""


def as_pdf(svg: str) -> bytes:
    """A page of the drawing's size."""
    content: bytes = typst.compile(_PAGE, format="pdf", sys_inputs={"svg": svg}, timestamp=NO_TIME)
    return content
