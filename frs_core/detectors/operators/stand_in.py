"""A module that takes the place of `mmcv._ext` where mmcv has none."""

import importlib.util
import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, NoReturn

from frs_core.detectors.operators.focal_loss import sigmoid_focal_loss_backward, sigmoid_focal_loss_forward
from frs_core.detectors.operators.nms import nms
from frs_core.detectors.operators.roi_align import roi_align_backward, roi_align_forward
from frs_core.errors import OperatorMissingError

EXTENSION = "mmcv._ext"


class OperatorSource(StrEnum):
    """Whose operators `mmcv.ops` uses in this process."""

    COMPILED = "compiled"
    STAND_IN = "stand_in"


def install() -> OperatorSource:
    """Make `mmcv.ops` and `mmdet` importable, and say whose operators they now use.

    Call it before anything imports `mmcv.ops`. A compiled extension is left alone; a second call changes
    nothing. An operator that the stand-in lacks is importable and raises `OperatorMissingError` when called.
    """
    spec = importlib.util.find_spec(EXTENSION)
    if spec is not None:
        return OperatorSource.STAND_IN if isinstance(spec.loader, _StandInLoader) else OperatorSource.COMPILED
    loader = _StandInLoader()
    module = importlib.util.module_from_spec(ModuleSpec(EXTENSION, loader, origin=__name__))
    loader.exec_module(module)
    sys.modules[EXTENSION] = module
    setattr(sys.modules["mmcv"], "_ext", module)  # noqa: B010 (mypy knows no such attribute)
    return OperatorSource.STAND_IN


class _StandIn(ModuleType):
    """Answers for every operator name, since mmcv asks `hasattr` for all of them while it is imported."""

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return _missing(name)


class _StandInLoader(Loader):
    """Fills the module, and lets `find_spec` and `find_loader` report it as they would a real one."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _StandIn(spec.name, __doc__)

    def exec_module(self, module: ModuleType) -> None:
        operators: Sequence[Callable[..., Any]] = (
            nms,
            roi_align_forward,
            roi_align_backward,
            sigmoid_focal_loss_forward,
            sigmoid_focal_loss_backward,
            get_compiler_version,
            get_compiling_cuda_version,
        )
        for operator in operators:
            setattr(module, operator.__name__, operator)


def get_compiler_version() -> str:
    """What mmcv's environment report prints as its compiler."""
    return "not compiled"


def get_compiling_cuda_version() -> str:
    """What mmcv's environment report prints as its CUDA compiler."""
    return "not available"


def missing_operator(name: str, user: str) -> OperatorMissingError:
    """What to raise where `user` (a detector, or the call itself) needs an operator that is not here."""
    return OperatorMissingError(
        f"{user} needs operator {name!r} of mmcv's compiled extension, which this mmcv lacks. "
        "Install mmcv compiled with its operators (MMCV_WITH_OPS=1 pip install --force-reinstall "
        "--no-deps --no-build-isolation --no-binary onedl-mmcv onedl-mmcv), or choose a detector that "
        "needs none.",
        field="detector",
    )


def _missing(name: str) -> Callable[..., NoReturn]:
    def operator(*_: object, **__: object) -> NoReturn:
        raise missing_operator(name, "a layer")

    operator.__name__ = operator.__qualname__ = name
    return operator
