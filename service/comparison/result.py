"""The form of a comparison, in JSON and in Python. Fractions, unrounded; rounding belongs to the views."""

from pydantic import BaseModel, ConfigDict, Field, computed_field

from frs_core.spec.search import in_words
from service.comparison.records import Role, Source, Split


class Statistic(BaseModel):
    """Mean and sample standard deviation (n-1) over `n` values; `sd` is None for n = 1, both for n = 0."""

    model_config = ConfigDict(frozen=True)

    mean: float | None
    sd: float | None
    n: int


class Trial(BaseModel):
    """Values of parameters and the AP they had; None where it has no AP."""

    model_config = ConfigDict(frozen=True)

    values: dict[str, bool | int | float | str]
    ap: float | None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def words(self) -> str:
        """The values as a sentence has them: feature_weight=0.1."""
        return in_words(self.values)


class Search(BaseModel):
    """How a row's options were found: one run a trial, on `split`; `chosen` is the number of the best."""

    model_config = ConfigDict(frozen=True)

    tried: tuple[Trial, ...]
    chosen: int
    split: Split


class ComparisonRow(BaseModel):
    """All runs of one label.

    `seeds` are those with a result; `states` gives every seed's job state. `delta_ap` is the mean over the
    `delta_ap_n` seeds that this row and the baseline both have, of (this row's AP - the baseline's AP):
    paired, because one seed is one luck for all methods. `gap_closed` is, over those same seeds,
    (mean AP - mean baseline AP) / (teacher's mean AP - mean baseline AP): above 1 where the student
    overtakes its teacher, None where the teacher leads by less than 0.3 points or is missing. `latency_ms`
    is over the seeds' medians; empty where they were measured on different devices or numbers of threads.
    `delta_ap_interval` is where 95 % of the draws of the test images have `delta_ap`, the seeds as they are:
    the luck of images, as `delta_ap_sd` is that of seeds; None until it is computed, or without match arrays.
    An `external` row was made elsewhere and judged here: it has no seeds, and its difference is to the
    baseline's mean. A `cited` one was judged elsewhere: it has no difference.
    """

    model_config = ConfigDict(frozen=True)

    label: str
    method: str | None
    role: Role
    source: Source = "run"
    seeds: tuple[int, ...]
    states: dict[int, str]
    metrics: dict[str, Statistic]
    delta_ap: float | None = Field(description="Fraction, paired by seed; None for the teacher")
    delta_ap_sd: float | None = Field(description="Of the differences, n-1; None for n = 1")
    delta_ap_n: int
    delta_ap_interval: tuple[float, float] | None = Field(
        default=None, description="Fractions; 95 % over draws of the images, percentile bootstrap"
    )
    gap_closed: float | None = Field(description="Share, may exceed 1")
    expected_ap: float | None = Field(
        default=None, description="Fraction on val, as the experiment states it; None where it does not"
    )
    best_val_ap: Statistic = Field(
        default=Statistic(mean=None, sd=None, n=0),
        description="Of each run's best checkpoint, which was chosen on val, and so flatters",
    )
    search: Search | None = Field(default=None, description="None where no option was searched for")
    params: int | None = Field(default=None, description="Of the detector alone")
    macs: int | None = Field(default=None, description="Multiply-adds an image; papers call them FLOPs")
    latency_ms: Statistic = Statistic(mean=None, sd=None, n=0)
    note: str | None = Field(default=None, description="Of a row from outside: what is said of its origin")

    @property
    def n(self) -> int:
        """How many seeds have a result; of a row from outside how many results there are."""
        return len(self.seeds) if self.source == "run" else self.metrics["ap"].n

    @computed_field  # type: ignore[prop-decorator]
    @property
    def is_clear(self) -> bool:
        """Whether the difference stands out of its luck: two seeds or more, more than their sd, and 0 outside
        the interval where there is one.
        """
        if self.delta_ap is None or self.delta_ap_sd is None or abs(self.delta_ap) <= self.delta_ap_sd:
            return False
        low, high = self.delta_ap_interval or (self.delta_ap, self.delta_ap)
        return not low <= 0 <= high


class Comparison(BaseModel):
    """The teacher's row first, the methods in the order of the experiment, what comes from outside last.

    `baseline` is the label of the row that differences refer to.
    """

    model_config = ConfigDict(frozen=True)

    experiment: str
    name: str
    baseline: str
    split: Split
    rows: tuple[ComparisonRow, ...]
    max_images: int | None = Field(
        default=None, description="So many images of each split were used at most: no result; null: all"
    )
    verdict: str = Field(default="", description="What the best row shows; empty without a difference")
    warnings: tuple[str, ...]

    @property
    def searched(self) -> tuple[ComparisonRow, ...]:
        """The rows whose options were searched for."""
        return tuple(row for row in self.rows if row.search is not None)

    @property
    def has_expectations(self) -> bool:
        """Whether the experiment states what any row should reach."""
        return any(row.expected_ap is not None for row in self.rows)
