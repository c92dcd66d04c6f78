"""Writes a detector as ONNX and checks it against PyTorch.

By PyTorch's tracing exporter, which takes half a second where the newer one takes eight, and gives the same.
"""

import copy
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn
from torch.jit._trace import TracerWarning

from frs_core.detectors.wall import DetDataSample, InstanceData
from frs_core.files import publish
from frs_core.training.onnx_graphs import Graph, dense_graph, region_graph

OPSET = 17
TOLERANCE = 1e-3
"""Of the difference to PyTorch, as a share of an output's largest value."""
_SMALLEST = 0.1
"""Largest value of an output of which shares are taken; of a smaller one rounding is too large a share."""


@torch.no_grad()
def write_onnx(
    detector: nn.Module, family: str, image: Tensor, folder: Path, about: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Write `model.onnx`, and for a two-stage detector `model_regions.onnx`; `about` becomes their metadata.

    The detector is copied to the CPU. `image` (3, H, W), uint8, is what both runtimes are compared on.
    Gives per file its inputs, outputs and that comparison. Raises torch.onnx.OnnxExporterError.
    """
    model: Any = copy.deepcopy(detector).cpu().eval()
    images = image[None].cpu()
    graph = dense_graph(model, family, images)
    reference = _named(graph, graph.module(images))
    written = [_write(graph, reference, folder, about)]
    features = {name: value for name, value in reference.items() if name.startswith("feature_")}
    if features:
        size = (image.shape[1], image.shape[2])
        proposals, expected = _second_stage(model, images, size)
        graph = region_graph(model, features, proposals, size)
        written.append(_write(graph, expected, folder, about))
    return written


def _second_stage(model: Any, images: Tensor, size: tuple[int, int]) -> tuple[Tensor, dict[str, Tensor]]:
    """The proposals of the image, and what mmdet's own RoI head makes of them."""
    sample = DetDataSample(metainfo={"img_shape": size, "scale_factor": (1.0, 1.0)})
    data = model.data_preprocessor({"inputs": [images[0]], "data_samples": [sample]}, False)
    levels = model.extract_feat(data["inputs"])
    (proposals,) = model.rpn_head.predict(levels, data["data_samples"], rescale=False)
    scores, deltas = model.roi_head.forward(
        levels, [InstanceData(bboxes=proposals.bboxes)], data["data_samples"]
    )[:2]
    return proposals.bboxes, {"class_logits": _only(scores), "box_deltas": _only(deltas)}


def _only(value: Tensor | Sequence[Tensor]) -> Tensor:
    """A cascade gives a list with one item an image."""
    return value if isinstance(value, Tensor) else value[0]


def _write(
    graph: Graph, reference: Mapping[str, Tensor], folder: Path, about: Mapping[str, str]
) -> dict[str, Any]:
    path = folder / graph.file
    temporary = path.with_suffix(".partial")
    with _quiet_exporter():
        torch.onnx.export(
            graph.module.eval(),
            tuple(graph.inputs.values()),
            temporary,
            dynamo=False,
            opset_version=OPSET,
            input_names=list(graph.inputs),
            output_names=list(graph.outputs),
            dynamic_axes=graph.open_sizes,
        )
    model = onnx.load(temporary)
    onnx.helper.set_model_props(model, dict(about))
    onnx.save(model, temporary)
    session = open_session(temporary)
    described = _described(session, graph.file)
    described["check"] = _compared(session, graph, reference)
    publish(temporary, path)
    return described


def open_session(path: Path) -> Any:
    """onnxruntime on the CPU, with as many threads as PyTorch has."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _compared(session: Any, graph: Graph, reference: Mapping[str, Tensor]) -> dict[str, Any]:
    names = list(reference)
    found = session.run(names, {name: value.numpy() for name, value in graph.inputs.items()})
    differences, shares = [], []
    for name, ours in zip(names, found, strict=True):
        theirs = reference[name].numpy()
        difference = float(np.abs(ours - theirs).max(initial=0))
        differences.append(difference)
        shares.append(difference / max(_SMALLEST, float(np.abs(theirs).max(initial=0))))
    return {
        "runtime": f"onnxruntime {onnxruntime.__version__}",
        "max_abs_difference": max(differences),
        "max_relative_difference": max(shares),
        "tolerance": TOLERANCE,
        "agrees": max(shares) <= TOLERANCE,
    }


def _described(session: Any, file: str) -> dict[str, Any]:
    return {
        "file": file,
        "opset": OPSET,
        "inputs": [_port(port) for port in session.get_inputs()],
        "outputs": [_port(port) for port in session.get_outputs()],
    }


def _port(port: Any) -> dict[str, Any]:
    return {"name": port.name, "type": port.type, "shape": port.shape}


def _named(graph: Graph, outputs: Sequence[Tensor]) -> dict[str, Tensor]:
    return dict(zip(graph.outputs, outputs, strict=True))


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Without its advice to move on, and without what tracing says of checks on shapes that always hold."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "You are using the legacy TorchScript", DeprecationWarning)
        warnings.filterwarnings("ignore", "The feature will be removed", DeprecationWarning)
        warnings.filterwarnings("ignore", "Converting a tensor to a Python", TracerWarning)
        yield
