"""mmengine's loaders, made to load as we do.

As installed, mmengine answers a refused pickle by loading it without restrictions, restricts no download,
and executes a configuration that it finds inside a checkpoint as Python when training is resumed from it.
"""

from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlparse

import torch

from frs_core.detectors.checkpoints.restricted import open_checkpoint, read_pickled


def forbid_unsafe_loading() -> None:
    """Let every path of mmengine and torch.hub that ends in `torch.load` refuse what could execute code.

    Afterwards `Runner.resume`, `load_from`, `init_cfg=dict(type="Pretrained")`, `load_checkpoint` and
    downloads raise `CheckpointError` for a hostile file, and hand no configuration on. Calling it again is
    harmless. It holds for this process, until it ends.
    """
    import mmengine.runner.checkpoint
    import mmengine.utils.dl_utils.hub
    import torch.utils.model_zoo

    mmengine.runner.checkpoint._safe_torch_load = _load
    dl_utils = mmengine.utils.dl_utils
    for module in (mmengine.runner.checkpoint, dl_utils, dl_utils.hub, torch.utils.model_zoo):
        setattr(module, "load_url", _load_url)  # noqa: B010 (torch declares another type)
    setattr(torch.hub, "load_state_dict_from_url", _load_url)  # noqa: B010


def _load(file: str | Path | BinaryIO, map_location: Any = None, weights_only: bool | None = None) -> Any:  # noqa: ARG001
    """In place of mmengine's `_safe_torch_load`; asking for more than weights changes nothing."""
    source = open_checkpoint(Path(file)) if isinstance(file, str | Path) else file
    return _without_configuration(read_pickled(source, map_location))


def _load_url(
    url: str,
    model_dir: str | None = None,
    map_location: Any = None,
    progress: bool = True,
    *,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = True,  # noqa: ARG001
) -> Any:
    """In place of torch.hub's `load_state_dict_from_url`; the file is kept where torch.hub keeps it."""
    folder = Path(model_dir) if model_dir else Path(torch.hub.get_dir()) / "checkpoints"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / (file_name or Path(urlparse(url).path).name)
    if not file.exists():
        digest = torch.hub.HASH_REGEX.search(file.name) if check_hash else None
        torch.hub.download_url_to_file(url, str(file), digest[1] if digest else None, progress)
    return _load(file, map_location)


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
