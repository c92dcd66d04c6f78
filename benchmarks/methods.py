"""What a step of each method costs over the plain student's, in time and memory. One run, medians.

`python benchmarks/methods.py [--voc ROOT]`: RetinaNet (GFL where a method needs it), ResNet-34 teacher and
narrow ResNet-18 student, 320 x 240, batch 8, random weights; images of a VOC folder, or generated ones. On
the GPU where there is one.

- step: of all methods in turns, in an order drawn anew each time, so that other work on the machine meets all
- warm cache: the same with the teacher's outputs of these images on disk (teacher.cache)
- memory: the peak of fresh processes that train for a few steps, beyond what they held before the first
"""

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import memory
from distill_step import STEPS_FOR_MEMORY, SYNTHETIC, ZOO, Bench, Run, timed

from frs_core import methods

GFL = "gfl/gfl_r50_fpn_1x_coco"
GIVEN: Mapping[str, Mapping[str, Any]] = {
    "defeat": {"feature_weight": 3.0, "background_weight": 12.0},
}
"""What has no published value for RetinaNet; its size changes no cost."""


def main() -> None:
    """Print a table of each detector, the plain student's step first."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--voc", type=Path, help="a VOC folder; default: generated images")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--peak-of", help=argparse.SUPPRESS)
    parser.add_argument("--zoo", default=ZOO, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    dataset = {"format": "voc", "root": str(chosen.voc.absolute())} if chosen.voc else SYNTHETIC
    if chosen.peak_of:
        bench = Bench(dataset, chosen.folder, zoo=chosen.zoo)
        step = _step(bench, chosen.peak_of)
        print(memory.peak_bytes(lambda: [step() for _ in range(STEPS_FOR_MEMORY)]))
        return
    given = ["--voc", str(chosen.voc)] if chosen.voc else []
    for zoo, names in _benches().items():
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(dataset, Path(folder), zoo=zoo)
            _show(bench, zoo, names, folder=folder, given=given, repeats=chosen.repeats)


def _benches() -> dict[str, list[str]]:
    """The methods by the detector they are timed on: RetinaNet, if they are for it."""
    others = [name for name in methods.names() if name != "none"]
    for_gfl = [name for name in others if set(methods.get(name).defaults) == {"gfl"}]
    return {ZOO: ["none", *(name for name in others if name not in for_gfl)], GFL: ["none", *for_gfl]}


def _step(bench: Bench, name: str, **teacher: Any) -> Run:
    return bench.step(bench.model({"name": name, "options": GIVEN.get(name, {})}, **teacher))


def _show(bench: Bench, zoo: str, names: list[str], *, folder: str, given: list[str], repeats: int) -> None:
    parts = {name: _step(bench, name) for name in names}
    cached = {f"{name} cached": _step(bench, name, cache={}) for name in names if name != "none"}
    seconds = timed(parts | cached, repeats)
    peaks = {
        name: memory.measured(__file__, "--peak-of", name, "--zoo", zoo, "--folder", folder, *given).above
        for name in names
    }
    plain, held = seconds["none"], peaks["none"]
    print(f"\n{zoo}: medians of {repeats} steps")
    print(f"{'method':<22}{'step':>10}{'/ plain':>9}{'warm cache':>12}{'memory':>12}{'/ plain':>9}")
    for name in names:
        warm = f"{seconds[f'{name} cached'] / plain:12.2f}" if name != "none" else f"{'-':>12}"
        print(
            f"{name:<22}{1000 * seconds[name]:>7.0f} ms{seconds[name] / plain:>9.2f}{warm}"
            f"{peaks[name] / 2**20:>8.0f} MiB{peaks[name] / held:>9.2f}"
        )


if __name__ == "__main__":
    main()
