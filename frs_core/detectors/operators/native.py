"""torchvision's compiled operators, where this installation has a torchvision that loads."""

import functools
import importlib
from types import ModuleType


@functools.cache
def torchvision_operators() -> ModuleType | None:
    """`torchvision.ops`, or None.

    A wheel built for another torch fails while it is imported: with RuntimeError ("operator torchvision::nms
    does not exist") where its library did not register, with ImportError or OSError where the linker refused.
    """
    try:
        module = importlib.import_module("torchvision.ops")
        importlib.import_module("torchvision.extension")._assert_has_ops()
    except (ImportError, OSError, RuntimeError):
        return None
    return module
