"""The pixels of a scene. H, W: the image's height and width; h, w: those of a patch."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from frs_core.datasets.drawing.layout import Patch, Scene, Thing, patch, things
from frs_core.datasets.drawing.shapes import Plane

Canvas = NDArray[np.float32]
Texture = Callable[[np.random.Generator, Plane, Plane], Plane]

_OCTAVES = ((2, 0.45), (5, 0.27), (12, 0.17), (32, 0.12))
"""Cells along the shorter side, and the share of the grey range that their noise spans."""

_HUE_SPREAD = 0.9
_STRAY_HUES = 0.2
"""Hues of one class spread (radians) far into those of its neighbours, and a share is of any hue."""


def paint(scene: Scene) -> NDArray[np.uint8]:
    """The image, BGR uint8 (H, W, 3): a pure function of the scene."""
    rng = scene.generator(1)
    canvas = _background(scene, rng)
    for thing in things(scene):
        _add(canvas, patch(scene, thing), _colours(scene, thing, rng), rng)
    return _photograph(canvas, rng)


def _background(scene: Scene, rng: np.random.Generator) -> Canvas:
    """Noise of several octaves over one colour, (H, W, 3)."""
    canvas = np.full((scene.height, scene.width, 3), rng.uniform(70, 180), np.float32)
    canvas += rng.uniform(-30, 30, size=3).astype(np.float32)
    roughness = rng.uniform(0.4, 1.2)
    shorter = min(scene.width, scene.height)
    for cells, share in _OCTAVES:
        rows, columns = (max(round(cells * side / shorter), 2) for side in (scene.height, scene.width))
        grid = rng.integers(256, size=(rows, columns, 3), dtype=np.uint8)
        grid = (0.65 * grid.mean(axis=2, keepdims=True) + 0.35 * grid).astype(np.uint8)
        smooth = Image.fromarray(grid).resize((scene.width, scene.height), Image.Resampling.BICUBIC)
        canvas += (np.asarray(smooth, np.float32) - 127.5) * np.float32(roughness * share)
    return canvas


def _colours(scene: Scene, thing: Thing, rng: np.random.Generator) -> Canvas:
    """Two colours (2, 3) for a thing's texture. Their hue leans towards the class, and no more than that."""
    hue = rng.uniform(0, 2 * np.pi)
    if thing.label is not None and rng.random() > _STRAY_HUES:
        hue = 2 * np.pi * thing.label / scene.classes + rng.normal(0, _HUE_SPREAD)
    phases = hue + np.array([0, 2, 4]) * np.pi / 3
    grey, tint = rng.uniform(60, 195, size=(2, 1)), rng.uniform(20, 90, size=(2, 1))
    return np.asarray(grey + tint * np.cos(phases), np.float32)


def _add(canvas: Canvas, part: Patch, colours: Canvas, rng: np.random.Generator) -> None:
    """Lay one thing over the canvas, in a texture that says nothing of its class."""
    texture = _TEXTURES[rng.integers(len(_TEXTURES))]
    opacity = np.float32(rng.uniform(0.75, 1.0))
    height, width = part.distance.shape
    x = np.arange(width, dtype=np.float32)[None, :]
    y = np.arange(height, dtype=np.float32)[:, None]
    mix = texture(rng, x, y)[:, :, None]
    surface = colours[0] + (colours[1] - colours[0]) * mix
    alpha = np.clip(0.5 - part.distance, 0, 1)[:, :, None] * opacity
    rows, columns = part.window
    canvas[rows, columns] += alpha * (surface - canvas[rows, columns])


def _along(angle: float, x: Plane, y: Plane) -> Plane:
    """How far each pixel lies in a direction, (h, w)."""
    return np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y


def _shade(rng: np.random.Generator, x: Plane, y: Plane) -> Plane:
    length = x.size + y.size + 1
    return 0.25 + (0.5 / length) * _along(rng.uniform(0, 2 * np.pi), x, y)


def _stripes(rng: np.random.Generator, x: Plane, y: Plane) -> Plane:
    turn = 2 * np.pi / rng.uniform(5, 14)
    mix: Plane = 0.5 + 0.4 * np.sin(turn * _along(rng.uniform(0, np.pi), x, y))
    return mix


def _checks(rng: np.random.Generator, x: Plane, y: Plane) -> Plane:
    turn = 2 * np.pi / rng.uniform(7, 18)
    mix: Plane = 0.5 + 0.35 * np.sign(np.sin(turn * x)) * np.sign(np.sin(turn * y))
    return mix


def _speckle(rng: np.random.Generator, x: Plane, y: Plane) -> Plane:
    return rng.random((y.size, x.size), dtype=np.float32) * np.float32(0.7)


_TEXTURES: tuple[Texture, ...] = (_shade, _shade, _stripes, _checks, _speckle)


def _photograph(canvas: Canvas, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Uneven light, mild blur and noise, as a camera would add them."""
    height, width, _ = canvas.shape
    lean_x, lean_y = rng.uniform(-0.25, 0.25, size=2).astype(np.float32)
    light = 1 + lean_x * np.linspace(-1, 1, width, dtype=np.float32)[None, :, None]
    canvas *= light + lean_y * np.linspace(-1, 1, height, dtype=np.float32)[:, None, None]
    sharp = Image.fromarray(np.clip(canvas, 0, 255).astype(np.uint8))
    blurred = sharp.filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.9)))
    noise = rng.standard_normal((height, width, 3), dtype=np.float32) * np.float32(rng.uniform(2, 12))
    image: NDArray[np.uint8] = np.clip(np.asarray(blurred) + noise + 0.5, 0, 255).astype(np.uint8)
    return image
