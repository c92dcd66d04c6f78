"""Feature richness: what the teacher's class scores say of a location.

Source: Du et al., "Distilling Object Detectors with Feature Richness", NeurIPS 2021, equation 2. Shapes: N
images, A anchors, K classes, H x W locations of a level.
"""

from collections.abc import Sequence

from torch import Tensor


def richness(teacher_logits: Sequence[Tensor], centerness: Sequence[Tensor] = ()) -> list[Tensor]:
    """S: the highest class probability at each location, (N, A*K, H, W) to (N, 1, H, W), in [0, 1].

    Times the probability of the centerness logits (N, 1, H, W), where these are given.
    """
    scores = [logits.float().amax(dim=1, keepdim=True).sigmoid() for logits in teacher_logits]
    if not centerness:
        return scores
    return [score * center.float().sigmoid() for score, center in zip(scores, centerness, strict=True)]
