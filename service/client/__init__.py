"""Typed client of the REST API. Needs httpx and pydantic only; pandas for frames, where it is installed.

>>> from service.client import Client
>>> with Client("http://127.0.0.1:8000") as client:
...     client.url
'http://127.0.0.1:8000'

    experiment = client.submit("experiment.yaml", seeds=[0, 1, 2]).wait(timeout=3600)
    experiment.compare().verdict
    experiment.job("frs", seed=0).metrics_frame("val/ap")
    experiment.report("pdf", "report.pdf")
"""

from service.client.comparisons import (
    AcrossComparison,
    Comparison,
    ComparisonRow,
    Difference,
    Search,
    Statistic,
    Trial,
)
from service.client.datasets import Dataset, DatasetFault, DatasetVersion
from service.client.errors import (
    AmbiguousReferenceError,
    ApiError,
    ClientError,
    SettingsError,
    UnreachableError,
    WaitTimeoutError,
)
from service.client.experiment_file import FileFault
from service.client.experiments import Experiment, ExperimentSummary, Notice
from service.client.files import FileNameError
from service.client.http import Client
from service.client.job_files import Artifact, Checkpoint, LogText
from service.client.jobs import UNFINISHED, Job
from service.client.keys import Key, NewKey
from service.client.metrics import MetricPoint, MetricSeries
from service.client.plans import Plan, Planned
from service.client.saving import DamagedFileError
from service.client.webhooks import Delivery, NewWebhook, Webhook
from service.client.workers import Worker

__all__ = [
    "UNFINISHED",
    "AcrossComparison",
    "AmbiguousReferenceError",
    "ApiError",
    "Artifact",
    "Checkpoint",
    "Client",
    "ClientError",
    "Comparison",
    "ComparisonRow",
    "DamagedFileError",
    "Dataset",
    "DatasetFault",
    "DatasetVersion",
    "Delivery",
    "Difference",
    "Experiment",
    "ExperimentSummary",
    "FileFault",
    "FileNameError",
    "Job",
    "Key",
    "LogText",
    "MetricPoint",
    "MetricSeries",
    "NewKey",
    "NewWebhook",
    "Notice",
    "Plan",
    "Planned",
    "Search",
    "SettingsError",
    "Statistic",
    "Trial",
    "UnreachableError",
    "WaitTimeoutError",
    "Webhook",
    "Worker",
]
