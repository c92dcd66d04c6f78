"""Pure statistics over recorded results. `load.comparison_of` reads them from the database."""

from service.comparison.compare import compare
from service.comparison.guard import IncomparableError
from service.comparison.records import CitedRecord, RunCost, RunRecord, SearchRecord
from service.comparison.result import Comparison, ComparisonRow, Search, Statistic, Trial

__all__ = [
    "CitedRecord",
    "Comparison",
    "ComparisonRow",
    "IncomparableError",
    "RunCost",
    "RunRecord",
    "Search",
    "SearchRecord",
    "Statistic",
    "Trial",
    "compare",
]
