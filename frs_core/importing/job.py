"""The story of an `import` job: a file read as tensors and plain data, and stored as safetensors."""

import logging
from pathlib import Path
from typing import Any

from frs_core.context import RunContext
from frs_core.detectors.checkpoints import load_tensors, save_weights
from frs_core.errors import CheckpointError
from frs_core.events import CheckpointKind
from frs_core.files import file_sha256, save_json
from frs_core.spec.imported import ImportSpec
from frs_core.training.start import class_names
from frs_core.weights.fetch import fetch
from frs_core.weights.reference import is_address, parse_address

log = logging.getLogger(__name__)


def import_checkpoint(spec: ImportSpec, context: RunContext) -> None:
    """Leaves a `weights` checkpoint, which specifications may name by its id, and `imported.json`.

    Nothing in the file is run. Raises CheckpointError, and Stopped.
    """
    context.progress("importing")
    source = _located(spec, context)
    sha256 = file_sha256(source)
    if spec.sha256 is not None and spec.sha256 != sha256:
        raise CheckpointError(
            f"the file has the SHA-256 {sha256}, not the one given: get it again, or correct sha256",
            field="sha256",
        )
    content = load_tensors(source)
    classes = class_names(content.meta)
    described = {} if classes is None else {"classes": classes}
    weights = save_weights(content.state_dict, context.workdir / "weights.safetensors", described)
    facts = {
        "source": spec.source,
        "sha256": sha256,
        "num_tensors": len(content.state_dict),
        "num_parameters": sum(tensor.numel() for tensor in content.state_dict.values()),
        "set_aside": content.set_aside,
        "meta": content.meta,
    }
    save_json(context, "imported.json", facts)
    details: dict[str, Any] = {"imported": True, "source_sha256": sha256}
    if classes is not None:
        details["classes"] = classes.split(",")
    context.checkpoint(CheckpointKind.WEIGHTS, weights, step=0, epoch=0, metadata=details)
    log.info("%d tensors imported", len(content.state_dict))


def _located(spec: ImportSpec, context: RunContext) -> Path:
    if is_address(spec.source):
        return fetch(parse_address(spec.source), context.sources, should_stop=context.should_stop)
    return Path(spec.source)
