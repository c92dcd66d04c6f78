"""The only way in which a checkpoint is ever read: as tensors and plain data, executing nothing."""

from frs_core.detectors.checkpoints.fitting import MAX_MISSING_SHARE, ClassLayers, LoadReport, load_into
from frs_core.detectors.checkpoints.mmengine_loaders import forbid_unsafe_loading
from frs_core.detectors.checkpoints.restricted import load_state
from frs_core.detectors.checkpoints.weights import LoadedCheckpoint, load_tensors, save_weights

__all__ = [
    "MAX_MISSING_SHARE",
    "ClassLayers",
    "LoadReport",
    "LoadedCheckpoint",
    "forbid_unsafe_loading",
    "load_into",
    "load_state",
    "load_tensors",
    "save_weights",
]
