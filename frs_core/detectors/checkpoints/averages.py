"""Which copy of the weights counts, where a file holds them twice: trained, and averaged over steps (EMA).

Under the plain names mmengine's hook saves the averages, the copy that it evaluated, and under
`ema_state_dict` the trained weights; mmcv's older hook swaps before saving too, and calls the other copy
`ema_backbone_...`. So the plain names are taken. (timm's layout holds the trained weights there.)
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

_OTHER_COPIES = ("ema_state_dict", "state_dict_ema", "model_ema")


def without_averages(
    tensors: Mapping[str, Tensor], content: Mapping[Any, Any]
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """The tensors under plain names, and what was set aside of them and of the file's `content`."""
    copies = {f"ema_{name.replace('.', '_')}" for name in tensors} & tensors.keys()
    kept = {name: tensor for name, tensor in tensors.items() if name not in copies}
    return kept, (*(name for name in _OTHER_COPIES if name in content), *sorted(copies))
