"""Typed settings, read once from the environment (`FRS_...`) at a process's edge and passed on.

What is secret can come from files instead, as container engines mount them: `/run/secrets/frs_database_url`.
"""

import os
from ipaddress import ip_network
from math import inf
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlsplit

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

from frs_core.weights.reference import DEFAULT_HOSTS
from service.telemetry.logs import LEVELS, LogFormat

SECRETS_DIR = Path("/run/secrets")
"""Where container engines mount secrets; `FRS_SECRETS_DIR` names another folder."""

Words = Annotated[tuple[str, ...], NoDecode]
_WORDS = ("weights_hosts", "weights_private_hosts", "allowed_hosts", "allowed_origins", "trusted_proxies")
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})

MIN_SECRET_LENGTH = 32


class Settings(BaseSettings):
    """Everything a deployment chooses. Defaults are those of the embedded system."""

    model_config = SettingsConfigDict(env_prefix="FRS_", extra="ignore", frozen=True)

    data_dir: Path = Field(default=Path("data"), description="Embedded database, artifacts and work folders")
    database_url: str = Field(default="", description="SQLAlchemy URL; empty: SQLite in data_dir")
    database_password: str = Field(
        default="", repr=False, description="For a database_url that names a user and no password"
    )
    broker_url: str = Field(default="", description="Redis or RabbitMQ; empty: no broker, workers poll")
    artifacts_url: str = Field(default="", description="file:///folder or s3://bucket; empty: in data_dir")
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    session_secret: str = Field(
        default="",
        repr=False,
        description="Signs browser sessions, 32 characters or more; empty: a file in data_dir",
    )
    secure_cookies: bool = Field(
        default=False, description="Sessions over https only, also where a proxy does not say that it is"
    )
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
    dataset_roots: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(), description="Data sets lie in these folders only, a colon between; empty: anywhere"
    )
    max_dataset_bytes: int = Field(
        default=20 * 2**30, ge=1000, description="Of an archive with a data set, and of what is in it"
    )
    max_request_bytes: int = Field(default=1_000_000, ge=1000)
    max_upload_bytes: int = Field(
        default=100_000_000, ge=1000, description="Of a request that brings pictures, predictions or a record"
    )
    body_patience_seconds: float = Field(
        default=30.0, gt=0, description="For a body to arrive, and a second more for each 1000 bytes"
    )
    allowed_hosts: Words = Field(
        default=(), description="Names of this server besides FRS_HOST and localhost, a comma between"
    )
    allowed_origins: Words = Field(
        default=(), description="As https://frs.example, of a proxy that sends another Host on"
    )
    trusted_proxies: Words = Field(
        default=(), description="Addresses or networks whose X-Forwarded-For and -Proto are believed"
    )
    requests_per_minute: int = Field(
        default=3000, ge=1, description="By one key, or by one address without a key"
    )
    streams_per_key: int = Field(
        default=20,
        ge=1,
        description="Event streams of one key that an API process keeps open; a page has one",
    )
    max_streams: int = Field(default=200, ge=1, description="Event streams that an API process keeps open")
    failed_logins_per_minute: int = Field(default=20, ge=1, description="From one address")
    audit_days: int | None = Field(
        default=None, ge=1, description="So long the audit trail is kept; empty: for ever"
    )
    signed_downloads: bool = Field(
        default=False, description="Send downloads on to short-lived addresses of the store, if it has any"
    )
    keep_state_checkpoints: int = Field(default=2, ge=1)
    weights_mirror: Path | None = Field(
        default=None, description="Workers look for published weights here first; empty: in data_dir"
    )
    weights_hosts: Words = Field(
        default=DEFAULT_HOSTS, description="Weights are fetched from these https hosts only, a comma between"
    )
    weights_private_hosts: Words = Field(
        default=(), description="Those of them that may have addresses of a private network"
    )
    import_roots: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(),
        description="Weights are named by path below these folders only, a colon between; empty: jobs may "
        "name any file that workers see, and imports none",
    )
    max_checkpoint_bytes: int = Field(
        default=4 * 2**30, ge=1000, description="Of a checkpoint that is imported, with its request"
    )
    public_url: str = Field(
        default="", description="Where people reach the dashboard, for links to it; empty: host and port"
    )
    webhook_private_hosts: Words = Field(
        default=(), description="HOST or HOST:PORT that may get webhooks by http, or in a private network"
    )
    mlflow_url: str = Field(default="", description="An MLflow server to mirror runs to; empty: none")
    mlflow_token: str = Field(default="", repr=False, description="A bearer token for it")
    metrics_token: str = Field(
        default="", repr=False, description="A bearer token that may read /metrics; empty: keys alone may"
    )
    log_level: str = Field(default="INFO", description=", ".join(LEVELS))
    log_format: LogFormat = Field(default=LogFormat.JSON, description="json; console, for people")

    @field_validator("dataset_roots", "import_roots", mode="before")
    @classmethod
    def _split_roots(cls, value: object) -> object:
        return tuple(filter(None, value.split(":"))) if isinstance(value, str) else value

    @field_validator("dataset_roots", "import_roots")
    @classmethod
    def _roots_are_absolute(cls, value: tuple[Path, ...]) -> tuple[Path, ...]:
        for root in value:
            if not root.is_absolute():
                raise ValueError(f"holds {str(root)!r}: give absolute folders, a colon between")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - it warns where there is no folder
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments come first, then the environment, then files of secrets."""
        folder = Path(os.environ.get("FRS_SECRETS_DIR") or SECRETS_DIR)
        secrets = [SecretsSettingsSource(settings_cls, secrets_dir=folder)] if folder.is_dir() else []
        return (init_settings, env_settings, dotenv_settings, *secrets)

    @field_validator("log_level", mode="before")
    @classmethod
    def _known_level(cls, value: object) -> str:
        if str(value).upper() not in LEVELS:
            raise ValueError(f"log_level is {value!r}: give one of {', '.join(LEVELS)}")
        return str(value).upper()

    @field_validator("public_url", "mlflow_url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query):
            raise ValueError(f"is {value!r}: give http:// or https:// and a host, without a query")
        return value.rstrip("/")

    @field_validator(
        "weights_hosts",
        "weights_private_hosts",
        "webhook_private_hosts",
        "allowed_hosts",
        "allowed_origins",
        "trusted_proxies",
        mode="before",
    )
    @classmethod
    def _split_words(cls, value: object) -> object:
        return tuple(value.lower().replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            ip_network(each)  # raises ValueError; a name or `*` would let anybody say where he comes from
        return value

    @field_validator("session_secret")
    @classmethod
    def _long_enough(cls, value: str) -> str:
        if value and len(value) < MIN_SECRET_LENGTH:
            raise ValueError(
                f"is shorter than {MIN_SECRET_LENGTH} characters: make one with `openssl rand -hex 32`"
            )
        return value

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
    def hosts(self) -> frozenset[str]:
        """The names that this server answers to, whatever the port."""
        own = f"[{self.host}]" if ":" in self.host else self.host
        return LOCAL_HOSTS | {own.lower()} | {name.removesuffix(".") for name in self.allowed_hosts}

    @property
    def resolved_public_url(self) -> str:
        """Where links to the dashboard lead, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{host}:{self.port}"

    @property
    def resolved_database_url(self) -> str:
        """Where the database is."""
        if not self.database_url:
            return f"sqlite:///{(self.data_dir / 'frs.db').absolute()}"
        address = urlsplit(self.database_url)
        if not self.database_password or address.username is None or address.password is not None:
            return self.database_url
        user, _, host = address.netloc.rpartition("@")
        password = quote(self.database_password, safe="")
        return address._replace(netloc=f"{user}:{password}@{host}").geturl()

    @property
    def resolved_artifacts_url(self) -> str:
        """Where checkpoints and artifacts are kept."""
        return self.artifacts_url or (self.data_dir / "artifacts").absolute().as_uri()

    @property
    def resolved_weights_mirror(self) -> Path:
        """Where this host keeps weights that others published."""
        return (self.weights_mirror or self.data_dir / "weights").absolute()

    @property
    def run_dir(self) -> Path:
        """Folder of secrets, closed to other users."""
        return self.data_dir.absolute() / "run"

    @property
    def admin_key_file(self) -> Path:
        """The key that is made at the first start, by which `frs` and the browser of this machine get in."""
        return self.run_dir / "admin_key"

    @property
    def cache_dir(self) -> Path:
        """Folder in which the jobs of this host keep teachers' outputs (`teacher.cache`)."""
        return self.data_dir.absolute() / "teacher_cache"

    @property
    def uploaded_dir(self) -> Path:
        """Folder in which this host keeps data sets that were sent as archives."""
        return self.data_dir.absolute() / "datasets"

    @property
    def work_dir(self) -> Path:
        """Folder of the workers' job folders on this host."""
        return self.data_dir.absolute() / "work"
