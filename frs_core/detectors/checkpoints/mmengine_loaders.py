"""mmengine's loaders, made to load as we do.

As installed, mmengine answers a refused pickle by loading it without restrictions, lets a configuration
name what is downloaded, and executes a configuration that it finds inside a checkpoint as Python when
training is resumed from it.
"""

from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from frs_core.detectors.checkpoints.restricted import open_checkpoint, read_pickled
from frs_core.errors import CheckpointError


def forbid_unsafe_loading() -> None:
    """Let every path of mmengine and torch.hub that ends in `torch.load` refuse what could execute code.

    Afterwards `Runner.resume`, `load_from`, `init_cfg=dict(type="Pretrained")` and `load_checkpoint` raise
    `CheckpointError` for a hostile file and hand no configuration on, and none of them downloads anything.
    Calling it again is harmless. It holds for this process, until it ends.
    """
    import mmengine.runner.checkpoint
    import mmengine.utils.dl_utils.hub
    import torch.utils.model_zoo

    mmengine.runner.checkpoint._safe_torch_load = _load
    dl_utils = mmengine.utils.dl_utils
    for module in (mmengine.runner.checkpoint, dl_utils, dl_utils.hub, torch.utils.model_zoo):
        setattr(module, "load_url", _refuse_download)  # noqa: B010 (torch declares another type)
    setattr(torch.hub, "load_state_dict_from_url", _refuse_download)  # noqa: B010


def _load(file: str | Path | BinaryIO, map_location: Any = None, weights_only: bool | None = None) -> Any:  # noqa: ARG001
    """In place of mmengine's `_safe_torch_load`; asking for more than weights changes nothing."""
    source = open_checkpoint(Path(file)) if isinstance(file, str | Path) else file
    return _without_configuration(read_pickled(source, map_location))


def _refuse_download(url: str, *_: Any, **__: Any) -> NoReturn:
    """In place of torch.hub's `load_state_dict_from_url`: nothing is fetched behind the job's back."""
    raise CheckpointError(
        f"{url} would be downloaded while a model is built or loaded: give the job a `checkpoint` or an "
        "`init` instead, which say where weights come from",
        field="checkpoint",
    )


def _without_configuration(checkpoint: Any) -> Any:
    """`checkpoint` without the texts that mmengine would execute as Python."""
    if isinstance(checkpoint, dict):
        hub = checkpoint.get("message_hub")
        runtime = hub.get("runtime_info") if isinstance(hub, dict) else None
        for holder in (checkpoint.get("meta"), runtime):
            if isinstance(holder, dict):
                holder.pop("cfg", None)
                holder.pop("config", None)
    return checkpoint
