"""Typed client of the REST API. Needs httpx and pydantic only.

>>> from service.client import Client
>>> client = Client("http://127.0.0.1:8000")
>>> client.close()
"""

from service.client.answers import (
    UNFINISHED,
    Artifact,
    Checkpoint,
    Comparison,
    ComparisonRow,
    Experiment,
    ExperimentSummary,
    Job,
    LogText,
    Notice,
    Plan,
    Planned,
    Search,
    Statistic,
    Trial,
    Worker,
)
from service.client.errors import ApiError, ClientError, UnreachableError
from service.client.http import Client
from service.client.saving import DamagedFileError

__all__ = [
    "UNFINISHED",
    "ApiError",
    "Artifact",
    "Checkpoint",
    "Client",
    "ClientError",
    "Comparison",
    "ComparisonRow",
    "DamagedFileError",
    "Experiment",
    "ExperimentSummary",
    "Job",
    "LogText",
    "Notice",
    "Plan",
    "Planned",
    "Search",
    "Statistic",
    "Trial",
    "UnreachableError",
    "Worker",
]
