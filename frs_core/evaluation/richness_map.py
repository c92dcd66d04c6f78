"""The teacher's feature-richness score of one level, laid over the image it is of."""

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

COLOUR_MAP = "inferno"  # perceptually uniform: 0 is black, 1 is bright yellow
OPACITY = 0.65


def draw_richness(
    pixels: NDArray[np.uint8], score: NDArray[np.floating], *, stride: int, input_shape: tuple[int, int]
) -> Image.Image:
    """Scores (H_level, W_level) in [0, 1] over the picture, BGR (H, W, 3), each as its own cell; RGB.

    `input_shape` is (height, width) of the image as the network saw it, without the padding that the
    level also covers. The scale of colours is the same in every picture.
    """
    rows = _cells(pixels.shape[0], input_shape[0], stride, score.shape[0])
    columns = _cells(pixels.shape[1], input_shape[1], stride, score.shape[1])
    values = np.round(np.clip(score, 0, 1) * 255).astype(np.uint8)[rows[:, None], columns]
    colours = cv2.applyColorMap(values, cv2.COLORMAP_INFERNO)
    grey = cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    blended = cv2.addWeighted(colours, OPACITY, grey, 1 - OPACITY, 0)
    return Image.fromarray(cv2.cvtColor(blended, cv2.COLOR_BGR2RGB))


def _cells(pixels: int, input_pixels: int, stride: int, cells: int) -> NDArray[np.int64]:
    """The cell that the middle of each pixel of the picture falls into, along one side."""
    middles = (np.arange(pixels) + 0.5) * (input_pixels / pixels)
    return np.minimum((middles / stride).astype(np.int64), cells - 1)
