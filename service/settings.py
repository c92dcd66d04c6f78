"""Typed settings, read once from the environment (`FRS_...`) at a process's edge and passed on."""

from math import inf
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from frs_core.weights.reference import DEFAULT_HOSTS


class Settings(BaseSettings):
    """Everything a deployment chooses. Defaults are those of the embedded system."""

    model_config = SettingsConfigDict(env_prefix="FRS_", extra="ignore", frozen=True)

    data_dir: Path = Field(default=Path("data"), description="Embedded database, artifacts and work folders")
    database_url: str = Field(default="", description="SQLAlchemy URL; empty: SQLite in data_dir")
    broker_url: str = Field(default="", description="Redis or RabbitMQ; empty: no broker, workers poll")
    artifacts_url: str = Field(default="", description="file:///folder; empty: a folder in data_dir")
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    lease_seconds: float = Field(default=60.0, gt=1)
    heartbeat_seconds: float = Field(default=5.0, gt=0)
    poll_seconds: float = Field(default=2.0, gt=0, description="How often an idle worker looks for jobs")
    grace_seconds: float = Field(default=60.0, gt=0, description="For a child to save its state after TERM")
    max_attempts: int = Field(
        default=3, ge=1, le=20, description="Attempts in a row that may fail without saving a newer state"
    )
    retry_backoff_seconds: float = Field(default=10.0, ge=0, description="Doubled with every attempt")
    start_limit_seconds: float = Field(default=3600.0, gt=0, description="Until a run begins its work")
    stall_limit_seconds: float = Field(default=3600.0, gt=0, description="Without any sign of progress")
    run_limit_seconds: float = Field(default=inf, gt=0, description="For a job, all its attempts together")
    devices: str = Field(
        default="", description="GPUs that a worker lends, as 0,1 or uuids; none; empty: all of its host"
    )
    datasets_visible: bool = Field(
        default=True, description="The server sees the workers' data sets; false: the workers check them"
    )
    max_request_bytes: int = Field(default=1_000_000, ge=1000)
    max_upload_bytes: int = Field(
        default=100_000_000, ge=1000, description="Of a request that brings pictures or a record"
    )
    keep_state_checkpoints: int = Field(default=2, ge=1)
    weights_mirror: Path | None = Field(
        default=None, description="Workers look for published weights here first; empty: in data_dir"
    )
    weights_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=DEFAULT_HOSTS, description="Weights are fetched from these https hosts only, a comma between"
    )

    @field_validator("weights_hosts", mode="before")
    @classmethod
    def _split_hosts(cls, value: object) -> object:
        return tuple(value.lower().replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("heartbeat_seconds")
    @classmethod
    def _leases_outlive_a_missed_heartbeat(cls, value: float, others: ValidationInfo) -> float:
        lease_seconds = others.data.get("lease_seconds")
        if lease_seconds is not None and 2 * value > lease_seconds:
            raise ValueError(
                f"a lease of {lease_seconds:g} s lasts less than two heartbeats: raise FRS_LEASE_SECONDS"
            )
        return value

    @property
    def resolved_database_url(self) -> str:
        """Where the database is."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'frs.db').absolute()}"

    @property
    def resolved_artifacts_url(self) -> str:
        """Where checkpoints and artifacts are kept."""
        return self.artifacts_url or (self.data_dir / "artifacts").absolute().as_uri()

    @property
    def resolved_weights_mirror(self) -> Path:
        """Where this host keeps weights that others published."""
        return (self.weights_mirror or self.data_dir / "weights").absolute()

    @property
    def cache_dir(self) -> Path:
        """Folder in which the jobs of this host keep teachers' outputs (`teacher.cache`)."""
        return self.data_dir.absolute() / "teacher_cache"

    @property
    def work_dir(self) -> Path:
        """Folder of the workers' job folders on this host."""
        return self.data_dir.absolute() / "work"
