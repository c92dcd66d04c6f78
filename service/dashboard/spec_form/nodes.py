"""What a form consists of: fields, and groups of them as the specification nests its parts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

from markupsafe import Markup

Kind = Literal["text", "integer", "number", "switch", "choice", "list", "yaml", "methods"]
Presence = Literal["always", "optional", "inherited", "pair", "union"]


class Absent(Enum):
    """A value that is not given; None is one that is."""

    NOTHING = "nothing"


NOTHING = Absent.NOTHING
NO_HELP = Markup()


@dataclass(frozen=True, kw_only=True)
class Field:
    """One value. `path` is its place in the specification, dotted, and its name in the form.

    `default` is what leaving it out means, NOTHING where that is no value of its own: one that is required,
    or that is taken from elsewhere. `of` are the types of a union that have it, each with its default there.
    """

    path: str
    label: str
    kind: Kind
    help: Markup = NO_HELP
    placeholder: str = ""
    default: Any = NOTHING
    required: bool = False
    nullable: bool = False
    is_common: bool = False
    choices: tuple[Any, ...] = ()
    blank: str | None = None
    """Of a choice: what choosing none of them means; None where one is always chosen."""
    items: Kind = "text"
    """Of a list: what each of its items is."""
    is_long: bool = False
    suggestions: str | None = None
    """The id of the list of values that a browser offers."""
    of: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Of the element that takes the value."""
        return f"field-{self.path}"


@dataclass(frozen=True, kw_only=True)
class Group:
    """A part of the specification.

    `presence` says how it is given: always; optionally, by a box that is ticked; `inherited`, either as
    another part has it, or none, or given; a `pair` of numbers; a `union` by the choice of its type.
    """

    path: str
    label: str
    help: Markup = NO_HELP
    presence: Presence = "always"
    required: bool = False
    nodes: "tuple[Field | Group, ...]" = ()

    @property
    def id(self) -> str:
        """Of the element that is around its fields."""
        return f"field-{self.path}"

    @property
    def is_common(self) -> bool:
        """Whether any of its fields is one that most people set."""
        return any(node.is_common for node in self.nodes)

    @property
    def common(self) -> "tuple[Field | Group, ...]":
        """What is shown at once."""
        return tuple(node for node in self.nodes if node.is_common)

    @property
    def others(self) -> "tuple[Field | Group, ...]":
        """What is shown when it is asked for."""
        return tuple(node for node in self.nodes if not node.is_common)

    def walk(self) -> "Iterator[Field | Group]":
        """All fields and groups within."""
        for node in self.nodes:
            yield node
            if isinstance(node, Group):
                yield from node.walk()


Node = Field | Group


def key_of(node: Node) -> str:
    """The last part of its place.

    >>> key_of(Field(path="schedule.optimizer.lr", label="Learning rate", kind="number"))
    'lr'
    """
    return node.path.rpartition(".")[2]
