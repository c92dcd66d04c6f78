"""Everything that can be wrong with a data set, in one table, and the log that readers write it to."""

from frs_core.datasets.records import Fault

ERRORS = {
    "registered_elsewhere": "{example} is registered with a service; submit there, or give format and root",
    "content_changed": "the content is no longer what {example} was registered with; restore or register it",
    "root_missing": "{example} is not a folder that can be read; give the path of the data set's folder",
    "root_not_empty": "{example} is given, but these images are generated; leave root out",
    "path_escapes_root": "paths that are absolute or leave the folder: {count}; make them relative to it",
    "split_missing": "{example} cannot be found; {hint}",
    "split_unknown": "{example} is not a split of this format; {hint}",
    "split_invalid": "{example} cannot be read; {hint}",
    "split_empty": "the split has no images; list at least one",
    "split_without_boxes": "no image has a box that can be trained on; annotate some",
    "annotation_missing": "annotation files that cannot be found: {count}; add them or shorten the split",
    "annotation_invalid": "annotations that cannot be read: {count}; mend or remove them",
    "image_missing": "image files that cannot be found: {count}; add them or shorten the split",
    "image_unreadable": "images that do not decode: {count}; replace or remove them",
    "image_size_differs": "images of another size than their annotation states: {count}; correct the sizes",
    "unknown_class": "boxes of a class that the data set does not know: {count}; known: {hint}",
    "classes_unknown": "the classes are those of the train split, which has none; mend that split first",
    "classes_differ": "classes that only one of this split and the train split has: {count}; list the same",
    "unknown_image": "boxes on an image that is not listed: {count}; remove them or list their images",
    "duplicate_id": "ids that occur more than once: {count}; make them unique",
    "duplicate_class": "classes that occur more than once: {count}; make ids and names unique",
    "duplicate_image": "images that are listed more than once: {count}; list each once",
    "image_turned": "images that a tag (EXIF) turns, so that none can tell which way boxes are meant: "
    "{count}; save them turned and without the tag",
    "label_columns": "lines that are neither a box nor a polygon: {count}; give a class and four numbers",
    "label_out_of_range": "lines with values outside 0 to 1: {count}; divide pixels by width and height",
    "label_without_image": "label files whose image is not there: {count}; remove them or add their images",
    "classes_unnamed": "nothing names the classes; give names in data.yaml, classes.txt or options.classes",
    "classes_unnumbered": "the classes are numbered {example}; number them 0, 1, 2 and so on",
    "classes_miscounted": "{example}, and {hint} classes are named; correct nc or the names",
}

WARNINGS = {
    "box_without_area": "boxes without area: {count}; dropped",
    "box_outside": "boxes wholly outside their image: {count}; dropped",
    "box_clipped": "boxes that reach beyond their image: {count}; clipped",
    "duplicate_box": "boxes that are given twice: {count}; taken once",
    "polygon_as_box": "polygons: {count}; each taken as the box around it",
    "image_without_boxes": "images without boxes: {count}; kept as background",
    "class_without_boxes": "classes without boxes here: {count}; nothing to learn or measure",
    "image_in_two_splits": "images that are also in another split: {count}; results there look too good",
}

MAX_EXAMPLES = 5
_MAX_EXAMPLE_LENGTH = 200


class FaultLog:
    """Collects faults of one field of the specification: one per code, counted, with the first examples."""

    def __init__(self, field: str) -> None:
        self.field = field
        self._hints: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._examples: dict[str, list[str]] = {}

    def add(self, code: str, example: str = "", *, hint: str = "") -> None:
        """Count one more fault. `code` is a key of ERRORS or WARNINGS; the first `hint` is kept."""
        if code not in ERRORS and code not in WARNINGS:
            raise KeyError(code)
        self._hints.setdefault(code, hint)
        self._counts[code] = self._counts.get(code, 0) + 1
        examples = self._examples.setdefault(code, [])
        if example and len(examples) < MAX_EXAMPLES:
            examples.append(example[:_MAX_EXAMPLE_LENGTH])

    @property
    def errors(self) -> tuple[Fault, ...]:
        """The faults that end the matter, in the order first seen."""
        return self._faults(ERRORS)

    @property
    def warnings(self) -> tuple[Fault, ...]:
        """The faults that one can live with, in the order first seen."""
        return self._faults(WARNINGS)

    def _faults(self, table: dict[str, str]) -> tuple[Fault, ...]:
        return tuple(self._fault(code, table[code]) for code in self._counts if code in table)

    def _fault(self, code: str, template: str) -> Fault:
        examples, count = self._examples[code], self._counts[code]
        text = template.format(count=count, example=next(iter(examples), ""), hint=self._hints[code])
        return Fault(code=code, field=self.field, message=text, count=count, examples=tuple(examples))
