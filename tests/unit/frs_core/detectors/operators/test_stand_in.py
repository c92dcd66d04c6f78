"""The module in place of `mmcv._ext`, seen from a process that has nothing else of ours."""

import importlib.util
import subprocess
import sys
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import ModuleType

import pytest

from frs_core.detectors.operators import OperatorSource, install
from frs_core.detectors.operators.stand_in import EXTENSION
from frs_core.errors import OperatorMissingError

pytestmark = pytest.mark.torch


@pytest.fixture
def extension(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The stand-in, also where mmcv is compiled."""
    spec = importlib.util.find_spec(EXTENSION)
    if spec is not None and type(spec.loader).__module__.startswith("frs_core"):
        return sys.modules[EXTENSION]
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.delitem(sys.modules, EXTENSION, raising=False)
    assert install() is OperatorSource.STAND_IN
    return sys.modules[EXTENSION]


def test_a_fresh_process_imports_every_operator_and_mmdet() -> None:
    program = """
import sys
from frs_core.detectors.operators import install
source = install()
import importlib.util, pkgutil
import mmcv.ops, mmdet.models, mmdet.apis
from mmcv.utils.ext_loader import check_ops_exist
assert install() is source
assert importlib.util.find_spec("mmcv._ext") is sys.modules["mmcv._ext"].__spec__
assert check_ops_exist() and mmcv._ext is sys.modules["mmcv._ext"]
ours = {name for name in sys.modules if name.startswith(("frs_core.", "service", "workers"))}
allowed = {"frs_core.errors", "frs_core.detectors"}
foreign = {name for name in ours - allowed if not name.startswith("frs_core.detectors.operators")}
assert not foreign, foreign
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_operator_it_lacks_names_itself_and_the_remedy(extension: ModuleType) -> None:
    with pytest.raises(OperatorMissingError, match=r"'deform_conv_forward'.*MMCV_WITH_OPS=1"):
        extension.deform_conv_forward(1, two=2)


def test_special_names_are_absent(extension: ModuleType) -> None:
    assert not hasattr(extension, "__wrapped__")


def test_mmcv_reports_that_nothing_is_compiled(extension: ModuleType) -> None:
    assert (extension.get_compiler_version(), extension.get_compiling_cuda_version()) == (
        "not compiled",
        "not available",
    )


def test_a_compiled_extension_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = ModuleType(EXTENSION)
    compiled.__spec__ = ModuleSpec(EXTENSION, SourceFileLoader(EXTENSION, "_ext.so"))
    monkeypatch.setitem(sys.modules, EXTENSION, compiled)
    assert install() is OperatorSource.COMPILED
    assert sys.modules[EXTENSION] is compiled
