"""A data set in a specification: its own place, or the name of a registered one."""

import pytest
from pydantic import ValidationError

from frs_core.spec import canonical_hash
from frs_core.spec.dataset import DatasetSpec, as_written

PLAIN = {"format": "voc", "root": "/d", "train": "train", "val": "val", "test": None, "options": {}}


def test_what_only_registered_data_sets_have_changes_no_other_hash() -> None:
    spec = DatasetSpec.model_validate(PLAIN)
    assert spec.model_dump(mode="json") == PLAIN
    assert canonical_hash(spec) == canonical_hash(PLAIN)


def test_a_registered_one_is_resolved_once_and_written_by_its_name_again() -> None:
    named = DatasetSpec(registered="cells@2")
    assert (named.is_resolved, named.model_dump(mode="json")["registered"]) == (False, "cells@2")
    version = {"id": "0123456789abcdef", "sha256": "0" * 64}
    full = DatasetSpec.model_validate(
        {**PLAIN, "root": "upload:x", "registered": "cells@2", "version": version}
    )
    assert (full.is_resolved, full.uploaded_id, full.at("/here").uploaded_id) == (True, "x", None)
    assert DatasetSpec.model_validate(full.model_dump(mode="json")) == full
    assert as_written(full.model_dump(mode="json")) == {"registered": "cells@2"}
    assert as_written(PLAIN) == PLAIN


@pytest.mark.parametrize(
    ("given", "field", "kind"),
    [
        ({}, "format", "missing"),
        ({"registered": "a/b"}, "registered", "value_error"),
        ({"registered": "cells@0"}, "registered", "value_error"),
        ({"registered": "cells@two"}, "registered", "value_error"),
    ],
)
def test_what_names_nothing_is_refused_at_its_place(given: dict[str, str], field: str, kind: str) -> None:
    with pytest.raises(ValidationError) as error:
        DatasetSpec.model_validate(given)
    [fault] = error.value.errors()
    assert (fault["loc"], fault["type"]) == ((field,), kind)
