"""How sure the differences of a recorded experiment are over its test images.

`python benchmarks/image_intervals.py docs/results/bccd-study [--baseline none] [--draws 1000]`: reads the
match arrays of a folder that `frs record` wrote and prints, for each row, the mean difference of AP to the
baseline over the seeds both have, and its 95 % interval when the test images are drawn anew, for both alike.
"""

import argparse
import gzip
import io
import json
from collections import defaultdict
from pathlib import Path

import numpy as np

from frs_core.match_arrays import MatchArrays
from service.comparison.average_precision import coco_metrics
from service.comparison.bootstrap import Values, difference_interval, image_draws, resampled_ap

Runs = dict[str, dict[int, tuple[float, Values]]]


def main() -> None:
    """Print a Markdown table, in points."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--baseline", default="none")
    parser.add_argument("--draws", type=int, default=1000)
    chosen = parser.parse_args()
    runs = _read(chosen.folder, chosen.draws)
    print(f"| method | n | Δ AP | 95 % interval over images ({chosen.draws} draws) |")
    print("| --- | ---: | ---: | ---: |")
    baseline = runs.pop(chosen.baseline)
    for label, own in runs.items():
        seeds = sorted(own.keys() & baseline.keys())
        if not seeds:
            continue
        difference = np.mean([own[seed][0] - baseline[seed][0] for seed in seeds])
        low, high = difference_interval(
            [own[seed][1] for seed in seeds], [baseline[seed][1] for seed in seeds]
        )
        print(f"| {label} | {len(seeds)} | {100 * difference:+.1f} | {100 * low:+.1f} to {100 * high:+.1f} |")


def _read(folder: Path, num_draws: int) -> Runs:
    """By label and seed: the AP, and that of each draw. The same draws for all."""
    runs: Runs = defaultdict(dict)
    draws = None
    for path in sorted(folder.glob("*/job.json")):
        job = json.loads(path.read_text())
        kept = [file["name"] for file in job["files"] if file["name"].startswith("matches_")]
        if job["role"] != "student" or not kept:
            continue
        matches = MatchArrays.load(io.BytesIO(gzip.decompress(path.with_name(f"{kept[0]}.gz").read_bytes())))
        if draws is None:
            draws = image_draws(len(matches.image_ids), num_draws)
        ap = coco_metrics(matches)["ap"]
        assert ap is not None
        runs[job["label"]][job["spec"]["seed"]] = ap, resampled_ap(matches, draws)
    return dict(runs)


if __name__ == "__main__":
    main()
