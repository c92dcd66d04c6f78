"""What every answer of the server is: typed, read only, and tied to the client that asked for it."""

from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, PrivateAttr

if TYPE_CHECKING:
    from service.client.http import Client


class Answer(BaseModel):
    """Base of what the server says; keys that a newer server adds are kept aside."""

    model_config = ConfigDict(frozen=True, extra="allow")


ItemT = TypeVar("ItemT", bound=Answer)


class Page(Answer, Generic[ItemT]):
    """Some items, and the cursor of the next page; None on the last."""

    items: tuple[ItemT, ...]
    next_cursor: str | None = None


class Bound(Answer):
    """An answer with verbs: it knows the client that it came from."""

    _client: "Client | None" = PrivateAttr(default=None)

    def bind(self, client: "Client") -> Self:
        """Ties it to a client."""
        self._client = client
        return self

    @property
    def client(self) -> "Client":
        """The client that it came from. Raises RuntimeError where it was made by hand."""
        if self._client is None:
            raise RuntimeError(f"this {type(self).__name__} did not come from a client: ask one for it")
        return self._client

    def __eq__(self, other: object) -> bool:
        """Whether both say the same, whoever asked."""
        return type(self) is type(other) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]

    def _take(self, newer: Self) -> Self:
        """Brings this very object up to date: whoever holds it sees what is known now."""
        self.__dict__.update(newer.__dict__)
        object.__setattr__(self, "__pydantic_extra__", newer.__pydantic_extra__)
        return self


def bound(answer: Any, client: "Client") -> None:
    """Ties an answer, and the answers in it, to a client."""
    if isinstance(answer, Bound):
        answer.bind(client)
    if isinstance(answer, Answer):
        for part in answer.__dict__.values():
            for each in part if isinstance(part, tuple) else (part,):
                if isinstance(each, Answer):
                    bound(each, client)
