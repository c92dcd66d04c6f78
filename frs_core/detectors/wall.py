"""The only place that imports mmdet, mmengine and mmcv. Everything else takes their names from here.

The order matters: the stand-in for mmcv's compiled operators must be in place before mmdet is imported,
and the unsafe checkpoint loaders are replaced before anything can call them.
"""

import contextlib
import io
import warnings
from pathlib import Path

from frs_core.detectors import operators

OPERATOR_SOURCE = operators.install()

with contextlib.redirect_stdout(io.StringIO()):  # mmdet says that it lacks a package nobody needs
    import mmdet
    import mmdet.datasets.transforms
    import mmdet.models
from mmcv.cnn import fuse_conv_bn  # noqa: E402
from mmcv.transforms import Compose  # noqa: E402
from mmdet.models.utils import make_divisible  # noqa: E402
from mmdet.registry import MODELS  # noqa: E402
from mmdet.structures import DetDataSample  # noqa: E402
from mmdet.structures.bbox import HorizontalBoxes  # noqa: E402
from mmengine.config import Config  # noqa: E402
from mmengine.dataset import pseudo_collate  # noqa: E402
from mmengine.device import get_device  # noqa: E402
from mmengine.hooks import Hook, ParamSchedulerHook  # noqa: E402
from mmengine.logging import MMLogger  # noqa: E402
from mmengine.model import BaseModel, ExponentialMovingAverage  # noqa: E402
from mmengine.optim import (  # noqa: E402
    AmpOptimWrapper,
    ConstantLR,
    CosineAnnealingLR,
    DefaultOptimWrapperConstructor,
    LinearLR,
    MultiStepLR,
    OptimWrapper,
)
from mmengine.registry import init_default_scope  # noqa: E402
from mmengine.runner import BaseLoop, Runner  # noqa: E402
from mmengine.structures import InstanceData  # noqa: E402

from frs_core.detectors import checkpoints  # noqa: E402

checkpoints.forbid_unsafe_loading()
# Before mmengine makes its own: at INFO it lists the initialiser of every tensor of every model.
MMLogger.get_instance("mmengine", log_level="WARNING")
init_default_scope("mmdet")
warnings.filterwarnings("ignore", message="torch.meshgrid")  # in mmdet's own code, at every start

CONFIG_ROOT = Path(mmdet.__file__).parent / ".mim" / "configs"

__all__ = [
    "CONFIG_ROOT",
    "MODELS",
    "OPERATOR_SOURCE",
    "AmpOptimWrapper",
    "BaseLoop",
    "BaseModel",
    "Compose",
    "Config",
    "ConstantLR",
    "CosineAnnealingLR",
    "DefaultOptimWrapperConstructor",
    "DetDataSample",
    "ExponentialMovingAverage",
    "Hook",
    "HorizontalBoxes",
    "InstanceData",
    "LinearLR",
    "MultiStepLR",
    "OptimWrapper",
    "ParamSchedulerHook",
    "Runner",
    "fuse_conv_bn",
    "get_device",
    "make_divisible",
    "pseudo_collate",
]
