"""Layers as the compositor sees them: checked, and each a plane that an eye looks at.

1. What an eye sees of a plane is a matrix of 3 x 3: it takes a pixel (x, y, 1) of the eye's picture
   to (u k, v k, k), and (u, v) is the pixel of the layer's image. Where k is not positive, the eye
   sees nothing of it.
2. A projection layer is a plane infinitely far away: only turning the head moves it.
3. What a client says is checked here, once: sizes, angles, and that every number is one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from ipcrt_services.monado.bindings import (
    Fov,
    Layer,
    LayerFlags,
    LayerProjection,
    LayerQuad,
    Pose,
    ProjectionLayer,
    QuadLayer,
    Quat,
    Rect,
    Refusal,
    Refused,
    SubImage,
    Vec3,
)
from ipcrt_services.monado.geometry import add, inverse, normalized, placed, rotated, scaled

if TYPE_CHECKING:
    import numpy.typing as npt

    Matrix: TypeAlias = npt.NDArray[np.float64]

_FAR_M: Final = 1e5
"""How far from the middle of the world things may be."""

_WIDEST: Final = math.radians(89)

# Plain integers: arithmetic on members of a flexible bits costs ten times as much.
_BLEND: Final = int(LayerFlags.BLEND_TEXTURE_SOURCE_ALPHA)
_UNPREMULTIPLIED: Final = int(LayerFlags.UNPREMULTIPLIED_ALPHA)
_VIEW_SPACE: Final = int(LayerFlags.VIEW_SPACE)

SizeOf = Callable[[SubImage], tuple[int, int]]
"""Answers the width and height of the image that is meant. Raises: Refused."""


@dataclass(frozen=True, slots=True)
class Eye:
    """Where one eye is, and what its picture is like."""

    index: int
    head: Pose
    pose: Pose
    fov: Fov
    width: int
    height: int

    def rays(self) -> Matrix:
        """Answer the matrix from pixels to directions, as the eye sees them (-z is ahead)."""
        left, right, up, down = _edges(self.fov)
        across, high = (right - left) / self.width, (down - up) / self.height
        rows = [
            [across, 0.0, left + across / 2],
            [0.0, high, up + high / 2],
            [0.0, 0.0, -1.0],
        ]
        return np.array(rows)


@dataclass(frozen=True, slots=True)
class Surface:
    """One picture to lay over others; `eye` is None where all see it."""

    sub: SubImage
    blend: bool
    unpremultiplied: bool
    eye: int | None
    plane: Infinite | Quad


@dataclass(frozen=True, slots=True)
class Infinite:
    """A plane of rule 2."""

    orientation: Quat
    fov: Fov
    in_view: bool

    def matrix(self, eye: Eye, rect: Rect) -> Matrix:
        """Answer what rule 1 tells."""
        left, right, up, down = _edges(self.fov)
        across, high = rect.width / (right - left), rect.height / (down - up)
        to_pixels = [
            [across, 0.0, left * across - rect.x],
            [0.0, high, up * high - rect.y],
            [0.0, 0.0, -1.0],
        ]
        base = eye.head.orientation if self.in_view else None
        return np.array(to_pixels) @ _between(eye, base, self.orientation) @ eye.rays()


@dataclass(frozen=True, slots=True)
class Quad:
    """A rectangle in space."""

    pose: Pose
    width: float
    height: float
    in_view: bool

    def matrix(self, eye: Eye, rect: Rect) -> Matrix | None:
        """Answer what rule 1 tells; None where the eye is behind it."""
        pose = placed(eye.head, self.pose) if self.in_view else self.pose
        away = add(eye.pose.position, scaled(pose.position, -1.0))
        seen = rotated(inverse(pose.orientation), away)
        if seen.z <= 1e-6:
            return None
        # The ray seen + t d meets z = 0 at (seen.x d.z - seen.z d.x) / d.z; k is -d.z.
        hit = np.array(
            [[seen.z, 0.0, -seen.x], [0.0, seen.z, -seen.y], [0.0, 0.0, -1.0]],
        )
        across, high = rect.width / self.width, rect.height / self.height
        to_pixels = [
            [across, 0.0, rect.x + rect.width / 2],
            [0.0, -high, rect.y + rect.height / 2],
            [0.0, 0.0, 1.0],
        ]
        matrix: Matrix = np.array(to_pixels) @ hit @ _between(eye, None, pose.orientation)
        return matrix @ eye.rays()


def check_layers(layers: list[Layer], size_of: SizeOf) -> list[Surface]:
    """Answer what is to be laid, the lowest first. Raises: Refused (rule 3)."""
    found: list[Surface] = []
    for layer in layers:
        match layer:
            case LayerProjection(value):
                found += _projection(value, size_of)
            case LayerQuad(value):
                found.append(_quad(value, size_of))
    return found


def _projection(layer: ProjectionLayer, size_of: SizeOf) -> list[Surface]:
    found: list[Surface] = []
    _require(len(layer.views) > 0)
    for index, view in enumerate(layer.views):
        _check_sub(view.sub, size_of)
        pose = _checked_pose(view.pose)
        eye = index if len(layer.views) > 1 else None
        plane = Infinite(pose.orientation, _checked_fov(view.fov), _in_view(layer.flags))
        found.append(Surface(view.sub, *_blending(layer.flags), eye, plane))
    return found


def _quad(layer: QuadLayer, size_of: SizeOf) -> Surface:
    _check_sub(layer.sub, size_of)
    _require(1e-4 <= layer.width <= _FAR_M and 1e-4 <= layer.height <= _FAR_M)
    plane = Quad(_checked_pose(layer.pose), layer.width, layer.height, _in_view(layer.flags))
    return Surface(layer.sub, *_blending(layer.flags), None, plane)


def _blending(flags: LayerFlags) -> tuple[bool, bool]:
    return bool(int(flags) & _BLEND), bool(int(flags) & _UNPREMULTIPLIED)


def _in_view(flags: LayerFlags) -> bool:
    return bool(int(flags) & _VIEW_SPACE)


def _check_sub(sub: SubImage, size_of: SizeOf) -> None:
    width, height = size_of(sub)
    rect = sub.rect
    _require(rect.width > 0 and rect.height > 0)
    _require(rect.x + rect.width <= width and rect.y + rect.height <= height)


def _checked_pose(pose: Pose) -> Pose:
    orientation = normalized(pose.orientation)
    where = pose.position
    if orientation is None or not all(abs(each) <= _FAR_M for each in (where.x, where.y, where.z)):
        raise Refused(Refusal.BAD_LAYER)
    return Pose(orientation, where)


def _checked_fov(fov: Fov) -> Fov:
    angles = (fov.angle_left, fov.angle_right, fov.angle_up, fov.angle_down)
    _require(all(abs(angle) <= _WIDEST for angle in angles))
    _require(fov.angle_right - fov.angle_left > 1e-3 and fov.angle_up - fov.angle_down > 1e-3)
    return fov


def _require(holds: bool) -> None:
    if not holds:
        raise Refused(Refusal.BAD_LAYER)


def _edges(fov: Fov) -> tuple[float, float, float, float]:
    return (
        math.tan(fov.angle_left),
        math.tan(fov.angle_right),
        math.tan(fov.angle_up),
        math.tan(fov.angle_down),
    )


def _between(eye: Eye, base: Quat | None, orientation: Quat) -> Matrix:
    """Answer the matrix that turns the eye's directions to those of a plane."""
    columns: list[Vec3] = []
    for axis in (Vec3(1.0, 0.0, 0.0), Vec3(0.0, 1.0, 0.0), Vec3(0.0, 0.0, 1.0)):
        world = rotated(eye.pose.orientation, axis)
        if base is not None:
            world = rotated(inverse(base), world)
        columns.append(rotated(inverse(orientation), world))
    return np.array([[c.x for c in columns], [c.y for c in columns], [c.z for c in columns]])
