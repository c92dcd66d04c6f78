"""What the schema does not say: the order of the page, which fields most people set, and short words."""

from collections.abc import Callable, Mapping, Sequence

from frs_core import datasets, zoo

SECTIONS: Sequence[tuple[str, tuple[str, ...]]] = (
    ("Experiment", ("name", "tags", "submitted_by")),
    ("Data", ("dataset", "input_size")),
    ("Teacher", ("teacher",)),
    ("Student", ("student",)),
    ("Schedule", ("schedule",)),
    ("Methods and seeds", ("methods", "seeds", "search_seed")),
    ("Resources and expectations", ("resources", "expected")),
)
"""What is named in none of them comes last."""

_DETECTOR = ("zoo", "backbone_depth", "base_channels", "fpn_channels")
COMMON = {
    *("name", "tags", "input_size.0", "input_size.1", "methods", "seeds"),
    *(f"dataset.{key}" for key in ("registered", "format", "root", "train", "val", "test", "options")),
    *(f"{role}.detector.{key}" for role in ("teacher", "student") for key in _DETECTOR),
    *("teacher.train.epochs", "teacher.checkpoint"),
    *("schedule.epochs", "schedule.batch_size", "schedule.optimizer.name", "schedule.optimizer.lr"),
    *("resources.gpus", "resources.data_workers"),
}

INHERITING: Mapping[str, str] = {"teacher.train": "as in the schedule"}
"""Parts in which only what differs from another one is given, and what leaving a field out means there."""

NEVER_NONE = {"teacher.train.epochs", "teacher.train.steps"}
"""Of each the one that is given replaces the other: nobody need write null."""

CHOICES: Mapping[str, Callable[[], tuple[str, ...]]] = {"dataset.format": datasets.names}
SUGGESTIONS: Mapping[str, Callable[[], tuple[str, ...]]] = {"zoo": zoo.names, "registered": tuple}
"""Those of `registered` are in the database: the page adds them."""
HIDDEN = {"dataset.version"}
"""What the service itself writes."""

LABELS: Mapping[str, str] = {
    "dataset.registered": "Registered data set",
    "dataset.root": "Folder",
    "dataset.train": "Train split",
    "dataset.val": "Validation split",
    "dataset.test": "Test split",
    "input_size.0": "Width",
    "input_size.1": "Height",
    "teacher.train": "Train the teacher",
    "teacher.cache": "Cache what the teacher yields",
    "*.zoo": "Detector of the zoo",
    "*.lr": "Learning rate",
    "*.fpn_channels": "FPN channels",
    "*.gpus": "GPUs",
    "*.min_ap": "Least AP",
    "*.max_gib": "Size in GiB",
    "*.ema": "Average of the weights (EMA)",
    "*.init": "Starts from",
    "*.roi_channels": "RoI channels",
    "*.bias_lr_mult": "Bias: rate times",
    "*.bias_decay_mult": "Bias: decay times",
    "*.norm_decay_mult": "Norms: decay times",
}
"""By place, or else by key (`*.key`); otherwise the key with spaces."""

HELP: Mapping[str, str] = {
    "name": "Shown in lists and tables",
    "tags": "A comma between them",
    "seeds": "A comma between them; three or more, or the comparison makes no claim",
    "dataset.registered": "`NAME@VERSION`, or the `NAME` for the newest; then the other fields stay empty",
    "dataset.root": "An absolute path on the server; none for `synthetic`",
    "dataset.options": "Of the format, in YAML: `train_images: 320`",
    "dataset.test": "Without it the comparison is on `val`",
    "input_size": "Of the network's input, in pixels",
    "teacher.train": "What differs from the schedule. Without it and without a checkpoint the teacher is "
    "trained on the schedule as it is; with a checkpoint alone it is only evaluated.",
    "teacher.train.epochs": "",
    "teacher.train.steps": "Optimizer steps, not epochs",
    "*.checkpoint": "A path, the id of stored weights, an https address, or `zoo` for the published ones",
    "*.sizes": "In YAML, width and height of each: `[[1333, 640], [1333, 800]]`",
    "expected": "AP on `val` (a fraction) by row, in YAML: `{teacher: 0.389, frs: 0.397}`. A teacher that is "
    "off by more than half a point ends the experiment before its students start",
    "*.detector": "",
    "*.backbone": "In the place of the zoo's",
    "*.base_channels": "Of the first stage",
    "*.zoo": "Its config's path in mmdet's zoo, without .py",
}
"""In place of the schema's description or where it has none; likewise."""

PLACEHOLDERS: Mapping[str, str] = {
    "*.detector.*": "the zoo's",
    "*.checkpoint": "none",
    "*.test": "none",
    "*.processes": "one for each GPU",
    "*.keep_states": "the worker's limit",
    "*.milestones": "2/3 and 11/12",
    "schedule.epochs": "12",
    "dataset.registered": "none: the fields below",
    "dataset.format": "of the registered one",
    "submitted_by": "nobody",
    "tags": "none",
}
"""What leaving a field out means, by place, key (`*.key`), or the part it is in (`*.part.*`)."""


def words(table: Mapping[str, str], path: str) -> str | None:
    """What a table says of a place: by the whole of it, or else by its key, behind `*.`."""
    return table.get(path, table.get("*." + path.rpartition(".")[2]))


def label(path: str) -> str:
    """What a field is called.

    >>> label("schedule.warmup_steps"), label("schedule.optimizer.lr")
    ('Warmup steps', 'Learning rate')
    """
    return words(LABELS, path) or path.rpartition(".")[2].replace("_", " ").capitalize()


def absence(path: str) -> str:
    """What leaving a nullable field out means."""
    part = path.split(".")[-2] if "." in path else ""
    return words(PLACEHOLDERS, path) or PLACEHOLDERS.get(f"*.{part}.*", "none")
