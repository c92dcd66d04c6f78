"""Where each experiment stands: what lists show, sort and count by, kept so that they read no jobs."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.db.models.base import Base, Id
from service.db.models.experiments import Experiment

SORTED = ("name_folded", "best_ap", "best_delta", "state_order", "owner")
"""The columns that lists are sorted by, besides `created_at`."""


class Standing(Base):
    """One experiment as it was after its event `event_id`, of `num_events` that were seen.

    An event may come behind a later one, so the count tells what the id alone does not. The best row is that
    with the largest `best_delta` over `best_n` seeds, two at least; where there is none, the student with the
    highest AP, and `best_delta` is None. Written by `service.comparison.standing` alone; what it says anew
    after a change of the code is seen when a migration empties the table.
    """

    __tablename__ = "standings"

    experiment_id: Mapped[str] = mapped_column(
        Id, ForeignKey("experiments.id", ondelete="CASCADE"), primary_key=True
    )
    event_id: Mapped[int] = mapped_column(BigInteger)
    num_events: Mapped[int]
    archived: Mapped[bool]
    created_at: Mapped[datetime]
    name_folded: Mapped[str] = mapped_column(String(600))
    owner: Mapped[str | None] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(16))
    state_order: Mapped[int]
    dataset: Mapped[str] = mapped_column(String(255))
    num_jobs: Mapped[int]
    job_states: Mapped[dict[str, Any]]
    seeds_done: Mapped[int]
    seeds_total: Mapped[int]
    best_label: Mapped[str | None] = mapped_column(String(200))
    best_ap: Mapped[float | None]
    best_delta: Mapped[float | None]
    best_n: Mapped[int]
    is_clear: Mapped[bool]

    experiment: Mapped[Experiment] = relationship(lazy="raise")

    __table_args__ = (
        Index("ix_standings_created", "archived", "created_at", "experiment_id"),
        *(
            Index(f"ix_standings_{name}", "archived", name, "created_at", "experiment_id")
            for name in SORTED
        ),
    )  # fmt: skip


class StandingFacet(Base):
    """A value that lists are filtered by: `kind` is state, tag, dataset or method."""

    __tablename__ = "standing_facets"

    experiment_id: Mapped[str] = mapped_column(
        Id, ForeignKey("standings.experiment_id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    value: Mapped[str] = mapped_column(String(255), primary_key=True)
    archived: Mapped[bool]

    __table_args__ = (Index("ix_standing_facets_value", "archived", "kind", "value", "experiment_id"),)


class StandingsWatermark(Base):
    """One row: of all events up to `event_id` the standings that are there know."""

    __tablename__ = "standings_watermark"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event_id: Mapped[int] = mapped_column(BigInteger)
