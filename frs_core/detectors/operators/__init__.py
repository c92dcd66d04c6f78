"""The few operators of mmcv that detectors need, for an mmcv without its compiled extension."""

from frs_core.detectors.operators.stand_in import OperatorSource, install, missing_operator

__all__ = ["OperatorSource", "install", "missing_operator"]
