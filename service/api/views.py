"""What all answers of the API are. Full precision everywhere; rounding belongs to the pages."""

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

ItemT = TypeVar("ItemT")


class View(BaseModel):
    """Base of all answers: frozen, readable from a row."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class Page(View, Generic[ItemT]):
    """Some items, newest first, and the cursor of the next page (null on the last)."""

    items: tuple[ItemT, ...]
    next_cursor: str | None = None
