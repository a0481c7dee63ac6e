"""Eyes and layers for tests: small pictures, and eyes at known places."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ipcrt_services.monado.bindings import (
    Fov,
    Layer,
    LayerFlags,
    LayerProjection,
    LayerQuad,
    Pose,
    ProjectionLayer,
    ProjectionView,
    QuadLayer,
    Rect,
    SubImage,
)
from ipcrt_services.monado.compositor import colour
from ipcrt_services.monado.geometry import HERE
from ipcrt_services.monado.layers import Eye, Surface, check_layers

Pixels: TypeAlias = npt.NDArray[np.uint32]

RIGHT_ANGLE = Fov(-math.pi / 4, math.pi / 4, math.pi / 4, -math.pi / 4)
"""At the distance of 1 m one sees 2 m across."""

SIZE = 40
RED = colour(255, 0, 0)
GREEN = colour(0, 255, 0)
BLUE = colour(0, 0, 255)
WHITE = colour(255, 255, 255)


def eye(pose: Pose = HERE, head: Pose | None = None, index: int = 0) -> Eye:
    """An eye of SIZE x SIZE pixels."""
    return Eye(index, head or pose, pose, RIGHT_ANGLE, SIZE, SIZE)


def image(*rows: tuple[int, ...]) -> Pixels:
    """An image of these pixels."""
    return np.array(rows, np.uint32)


def quarters() -> Pixels:
    """Red and green above, blue and white below; SIZE x SIZE."""
    return image((RED, GREEN), (BLUE, WHITE)).repeat(SIZE // 2, 0).repeat(SIZE // 2, 1)


def sub(pixels: Pixels, rect: Rect | None = None) -> SubImage:
    height, width = pixels.shape
    return SubImage(1, 0, rect or Rect(0, 0, width, height))


def quad_layer(
    pixels: Pixels,
    pose: Pose,
    size: tuple[float, float] = (2.0, 2.0),
    flags: int = 0,
    rect: Rect | None = None,
) -> Layer:
    return LayerQuad(QuadLayer(LayerFlags(flags), sub(pixels, rect), pose, *size))


def projection_layer(
    pixels: Pixels, pose: Pose = HERE, fov: Fov = RIGHT_ANGLE, flags: int = 0, views: int = 1
) -> Layer:
    view = ProjectionView(sub(pixels), fov, pose)
    return LayerProjection(ProjectionLayer(LayerFlags(flags), [view] * views))


def surfaces(pixels: Pixels, *layers: Layer) -> list[tuple[Surface, Pixels]]:
    """Layers that have passed the checks, all of one image."""
    height, width = pixels.shape
    checked = check_layers(list(layers), lambda _: (width, height))
    return [(surface, pixels) for surface in checked]
