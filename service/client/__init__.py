"""Typed client of the REST API. Needs httpx and pydantic only.

>>> from service.client import Client
>>> client = Client("http://127.0.0.1:8000")
>>> client.close()
"""

from service.client.answers import (
    UNFINISHED,
    Comparison,
    ComparisonRow,
    Experiment,
    ExperimentSummary,
    Job,
    LogText,
    Notice,
    Statistic,
)
from service.client.errors import ApiError, ClientError, UnreachableError
from service.client.http import Client

__all__ = [
    "UNFINISHED",
    "ApiError",
    "Client",
    "ClientError",
    "Comparison",
    "ComparisonRow",
    "Experiment",
    "ExperimentSummary",
    "Job",
    "LogText",
    "Notice",
    "Statistic",
    "UnreachableError",
]
