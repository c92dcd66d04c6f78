"""The block by which FGD looks at all of a feature map at once.

Source: Yang et al., CVPR 2022, figure 4, after Cao et al., "GCNet", ICCVW 2019.
"""

from torch import Tensor, nn


class GlobalContext(nn.Module):
    """Adds to every location the same transformed, attention-weighted mean of all, (N, C, H, W) to the same.

    The last convolution starts at zero, so that at first nothing is added.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(1, channels // 2)
        self.attention = nn.Conv2d(channels, 1, kernel_size=1)
        self.transform = nn.Sequential(
            nn.Conv2d(channels, hidden, kernel_size=1),
            nn.LayerNorm([hidden, 1, 1]),
            nn.ReLU(),
            nn.Conv2d(hidden, channels, kernel_size=1),
        )
        nn.init.kaiming_normal_(self.attention.weight, mode="fan_in")
        last = self.transform[-1]
        assert isinstance(last, nn.Conv2d)
        assert last.bias is not None
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(self, features: Tensor) -> Tensor:
        """Features with their context."""
        attention = self.attention(features).flatten(2).softmax(dim=2)  # (N, 1, HW)
        context = (features.flatten(2) * attention).sum(dim=2)[:, :, None, None]  # (N, C, 1, 1)
        result: Tensor = features + self.transform(context)
        return result
