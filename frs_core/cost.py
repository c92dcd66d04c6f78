"""What a detector costs, each number with how it was measured. Torch-free: the form of `cost.json`."""

from pydantic import BaseModel, ConfigDict, Field


class _Measured(BaseModel):
    model_config = ConfigDict(frozen=True)


class Latency(_Measured):
    """One image at a time, as a user of the detector runs it."""

    median_ms: float
    p95_ms: float
    warm_up: int = Field(description="Runs before the first that counts")
    repeats: int = Field(description="Runs that count: fewer where they take long")
    batch_size: int = 1
    image: tuple[int, int, int] = Field(description="Channels, height, width, before padding")
    dtype: str
    device: str
    threads: int
    load_average: float = Field(description="Of the host over the last minute; others' work makes it slower")
    cpus: int = Field(description="That this process may use")
    includes: str = (
        "transfer to the device, normalisation, padding, network, decoding of boxes, NMS; "
        "not the reading and resizing of the image"
    )


class TrainingCost(_Measured):
    """One step of the training: batch loading, forward passes, backward pass, update; never an evaluation."""

    step_seconds_median: float
    step_seconds_p95: float
    timed_steps: int = Field(description="Of this attempt, all but the first")
    batch_size: int
    device: str
    threads: int
    peak_memory_bytes: int | None = Field(description="Allocated on the GPU, the teacher included; else None")
    peak_resident_bytes: int = Field(description="Of the whole process, in the host's memory")


class Cost(_Measured):
    """Of the detector alone, except for `training` and `adapter_params`, which are not part of the export.

    A multiply-add is one MAC and two FLOPs; only convolutions and matrix products are counted. Papers and
    mmdet's own tables print MACs under the name FLOPs.
    """

    params: int
    trainable_params: int = Field(description="Those that the last step still changed")
    flops: int
    macs: int
    flops_input: tuple[int, int, int] = Field(description="Channels, height, width, after padding")
    flops_proposals: int | None = Field(description="Regions of a two-stage detector; else None")
    latency: Latency
    inference_peak_memory_bytes: int | None = Field(
        description="Weights and activations of one image on the GPU; None on a CPU, where nobody counts it"
    )
    adapter_params: int = Field(default=0, description="Of the method's layers, which the export leaves out")
    training: TrainingCost | None = Field(default=None, description="None where nothing was trained")
