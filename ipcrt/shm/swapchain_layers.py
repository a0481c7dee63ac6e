"""What a client wants shown: layers, committed together, and the frame that reads them.

1. A commit is checked as a whole before anything changes, and replaces the one before as a whole: a
   frame shows all of one commit, or all of another.
2. A frame holds what it reads until it is closed, also when the client is gone by then.
Source: layer_sync of Monado; xrEndFrame of OpenXR.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from ipcrt.errors import InvalidArgs, OutOfRange
from ipcrt.shm.image_pixels import pixels_of
from ipcrt.shm.swapchain import Swapchain
from ipcrt.shm.swapchain_info import SwapchainInfo

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_UNIT_TOLERANCE: Final = 0.01
"""How far from 1 the length of an orientation may be. Source: XR_ERROR_POSE_INVALID of OpenXR."""


@dataclass(frozen=True, slots=True)
class Rect:
    """A part of an image, in pixels."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a layer is: a unit quaternion (x, y, z, w), and metres."""

    orientation: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 1.0)
    position: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Layer:
    """One image as a client wants it shown; `check` says whether it can be."""

    swapchain: int
    """The id that the client's own set gave."""
    image: int
    rect: Rect | None = None
    """The part that is shown; None: all of it."""
    pose: Pose = Pose()
    size: tuple[float, float] = (1.0, 1.0)
    """Metres."""
    array_layer: int = 0
    face: int = 0
    extra: object = None
    """The server's own; carried along, never looked at."""


def check_layer(layer: Layer, chain: Swapchain) -> None:
    """Refuse a layer that cannot be shown.

    Raises: OutOfRange: no such image or slice, or a part beyond its edges. InvalidArgs: a pose or
    a size that is none. BadState: the image is not released.
    """
    chain.check_shown(layer.image)
    info = chain.info
    if not 0 <= layer.array_layer < info.array_layers or not 0 <= layer.face < info.face_count:
        raise OutOfRange(
            f"array layer {layer.array_layer}, face {layer.face} of"
            f" {info.array_layers} and {info.face_count}"
        )
    if layer.rect is not None:
        _check_rect(layer.rect, info)
    _check_pose(layer.pose)
    if not all(math.isfinite(edge) and edge > 0 for edge in layer.size):
        raise InvalidArgs(f"a layer's size {layer.size} is not positive")


def _check_rect(rect: Rect, info: SwapchainInfo) -> None:
    inside = (
        rect.x >= 0
        and rect.y >= 0
        and rect.width > 0
        and rect.height > 0
        and rect.x + rect.width <= info.width
        and rect.y + rect.height <= info.height
    )
    if not inside:
        raise OutOfRange(f"{rect} is not a part of {info.width} x {info.height} pixels")


def _check_pose(pose: Pose) -> None:
    if not all(map(math.isfinite, (*pose.orientation, *pose.position))):
        raise InvalidArgs(f"{pose} is not finite")
    if abs(math.hypot(*pose.orientation) - 1) > _UNIT_TOLERANCE:
        raise InvalidArgs(f"orientation {pose.orientation} is no unit quaternion")


class Commit:
    """Layers that were checked, and hold their images until `drop`."""

    __slots__ = ("frame_id", "layers")

    def __init__(self, layers: Sequence[tuple[Layer, Swapchain]], frame_id: int) -> None:
        """Hold the images of layers that `check_layer` has let pass."""
        self.layers = tuple(layers)
        self.frame_id = frame_id
        for layer, chain in layers:
            chain.name(layer.image)

    def drop(self) -> None:
        """Hold them no longer; a second time does nothing."""
        layers, self.layers = self.layers, ()
        for layer, chain in layers:
            chain.unname(layer.image)


@dataclass(frozen=True, slots=True)
class LatchedLayer:
    """A layer and the bytes of its image, readable until the frame is closed."""

    layer: Layer
    info: SwapchainInfo
    view: memoryview
    """The whole image, read-only."""

    def pixels(self) -> npt.NDArray[np.generic[Any]]:
        """Show the part that is to be seen as an array (height, width, channels), without a copy.

        Raises: NotSupported: NumPy is not installed.
        """
        whole = pixels_of(self.view, self.info, self.layer.array_layer, self.layer.face)
        rect = self.layer.rect
        if rect is None:
            return whole
        return whole[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width]


class Frame:
    """What one frame shows of one client; close it when nothing reads it any more (rule 2)."""

    __slots__ = ("_held", "frame_id", "layers")

    def __init__(self, commit: Commit | None) -> None:
        """Latch every layer of `commit`; None: there is nothing to show."""
        self.frame_id = None if commit is None else commit.frame_id
        """The commit's; None before the first."""
        self._held: list[tuple[Swapchain, int]] = []
        latched: list[LatchedLayer] = []
        for layer, chain in () if commit is None else commit.layers:
            view = chain.latch(layer.image)
            self._held.append((chain, layer.image))
            latched.append(LatchedLayer(layer, chain.info, view))
        self.layers: tuple[LatchedLayer, ...] = tuple(latched)

    def close(self) -> None:
        """Let go of the images; a second close does nothing."""
        held, self._held = self._held, []
        self.layers = ()
        for chain, image in held:
            chain.unlatch(image)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_held", ()):
            try:
                warnings.warn(f"unclosed {self!r}", ResourceWarning, stacklevel=2, source=self)
            finally:  # the warning may be an error
                self.close()
