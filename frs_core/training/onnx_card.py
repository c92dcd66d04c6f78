"""What a model card says of the ONNX files."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from frs_core.spec.job import JobSpec
from frs_core.training.onnx_graphs import IMAGE

_RUN = """```python
import cv2, onnxruntime

session = onnxruntime.InferenceSession("model.onnx", providers=["CPUExecutionProvider"])
image = cv2.imread("image.jpg")  # BGR
height, width = image.shape[:2]
scale = min({long} / max(height, width), {short} / min(height, width))
image = cv2.resize(image, (int(width * scale + 0.5), int(height * scale + 0.5)))
outputs = session.run(None, {{"{image}": image.transpose(2, 0, 1)[None]}})
```
"""

_OUTPUTS = {
    "retinanet": "`cls` are logits, to be put through a sigmoid; `bbox` are deltas to the anchors.",
    "fcos": "`cls` and `centerness` are logits; `bbox` are distances to left, top, right, bottom in pixels.",
    "gfl": "`cls` are logits; `bbox` are logits of the distances' distributions, in strides.",
    "faster_rcnn": "`objectness` are logits of the region proposals, `bbox` their deltas to the anchors.",
    "cascade_rcnn": "`objectness` are logits of the region proposals, `bbox` their deltas to the anchors.",
}
_REGIONS = (
    "\n`model_regions.onnx` takes the features and the proposals of one image, as x1, y1, x2, y2 in the "
    "image that was fed{size}, and gives class logits (background last) and box deltas{boxes}.\n"
)


def onnx_card(spec: JobSpec, graphs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The section's lines; none without files."""
    if not graphs:
        return
    yield "## ONNX\n"
    yield (
        f"`model.onnx` takes `{IMAGE}`, uint8 (N, 3, height, width), of any size and number. The order of "
        "the channels, normalisation and padding are inside. Resize as in training:\n"
    )
    yield _RUN.format(long=max(spec.input_size), short=min(spec.input_size), image=IMAGE)
    yield (
        f"It gives the raw outputs of the head, one for each kind and level (p3 has stride 8). "
        f"{_OUTPUTS[spec.detector.family]} Boxes are decoded and filtered (NMS) outside, as by "
        f"`{'rpn_head' if spec.detector.is_two_stage else 'bbox_head'}.predict_by_feat` of the mmdet model.\n"
    )
    if spec.detector.is_two_stage:
        cascade = spec.detector.family == "cascade_rcnn"
        yield _REGIONS.format(
            size=", with that image's height and width" if cascade else "",
            boxes=", which refer to the boxes it gives as well" if cascade else "",
        )
    yield from (_verdict(graph) for graph in graphs)
    for graph in graphs:
        ports = [*_ports("in", graph["inputs"]), *_ports("out", graph["outputs"])]
        yield "\n".join(["", f"| `{graph['file']}` | | type | shape |", "|---|---|---|---|", *ports])
    yield ""


def _verdict(graph: Mapping[str, Any]) -> str:
    check = graph["check"]
    verdict = "agrees" if check["agrees"] else "**disagrees**"
    return (
        f"- `{graph['file']}` (opset {graph['opset']}) {verdict} with "
        f"PyTorch on an image of `val`: largest difference {check['max_abs_difference']:.2g}, "
        f"{check['max_relative_difference']:.2g} of the output's largest value "
        f"(tolerance {check['tolerance']:g}; {check['runtime']})"
    )


def _ports(way: str, ports: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for port in ports:
        shape = " x ".join(str(size) if isinstance(size, int) else "?" for size in port["shape"])
        yield f"| `{port['name']}` | {way} | {port['type'].removeprefix('tensor(').rstrip(')')} | {shape} |"
