"""Maps the student's features into the teacher's space, one convolution per level."""

from collections.abc import Sequence

from torch import Tensor, nn

from frs_core.detectors.seeds import seeded
from frs_core.methods.batch import Levels


class Adapters(nn.Module):
    """A convolution per level, 3 x 3 by default; its weights draw from a generator of their own."""

    def __init__(
        self, student_channels: int, teacher_channels: int, num_levels: int, *, seed: int, kernel: int = 3
    ) -> None:
        super().__init__()
        with seeded(seed, "adapters"):
            self.levels = nn.ModuleList(
                nn.Conv2d(student_channels, teacher_channels, kernel_size=kernel, padding=kernel // 2)
                for _ in range(num_levels)
            )

    def forward(self, features: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """(N, C_student, H, W) per level to (N, C_teacher, H, W)."""
        return tuple(level(feature) for level, feature in zip(self.levels, features, strict=True))


def adapters_where_needed(levels: Levels, *, seed: int) -> nn.Module:
    """Nothing where both have the same channels, else a 1 x 1 convolution per level.

    As the methods have it that were published without an adapter, or with one for unequal channels alone.
    """
    if levels.student_channels == levels.teacher_channels:
        return nn.Identity()
    return Adapters(levels.student_channels, levels.teacher_channels, levels.num_levels, seed=seed, kernel=1)
