"""What the demonstration's clients draw: a room, a panel in it, a map of where the devices are.

Each is made for images of one size. `draw` draws one frame, and `layer` says where it hangs.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from ipcrt_services.monado.bindings import Fov, Layer, Pose, SessionKind, Vec3
from ipcrt_services.monado.client import Chain, projection, quad
from ipcrt_services.monado.devices import HEAD, LEFT, RIGHT
from ipcrt_services.monado.geometry import looking
from ipcrt_services.monado.sketch import Colour, Sketch

if TYPE_CHECKING:
    import numpy.typing as npt

    Image: TypeAlias = npt.NDArray[Any]

_WIDE: Final = math.radians(60)
_ROOM_FOV: Final = Fov(-_WIDE, _WIDE, math.radians(50), -math.radians(50))
_EYE_HEIGHT_M: Final = 1.6
_COLOURS: Final[Sequence[Colour]] = (
    (255, 196, 64, 255),
    (96, 220, 150, 255),
    (235, 110, 130, 255),
    (120, 170, 255, 255),
)
_PANE_M: Final = (0.96, 0.54)
_GLASS: Final[Colour] = (30, 40, 64, 150)


class Scene(ABC):
    """What one client draws."""

    KIND: SessionKind = SessionKind.OVERLAY

    def __init__(self, title: str, background: Image) -> None:
        self._sketch = Sketch(background)
        height, width = background.shape[:2]
        self._width, self._height = width, height
        _write(background, title)

    def draw(self, index: int, image: Image, seconds: float, poses: dict[int, Pose]) -> None:
        """Draw a frame on an image, as it is at a time."""
        self._sketch.turn_to(index, image)
        self._mark(seconds, poses)

    @abstractmethod
    def _mark(self, seconds: float, poses: dict[int, Pose]) -> None:
        """Draw what moves."""

    @abstractmethod
    def layer(self, chain: Chain, index: int, poses: dict[int, Pose]) -> Layer:
        """Say where the image hangs."""


class Room(Scene):
    """The world: a floor, a sky, and lights that wander along the horizon."""

    KIND = SessionKind.MAIN

    def __init__(self, title: str, width: int, height: int) -> None:
        super().__init__(title, _landscape(width, height))

    def _mark(self, seconds: float, poses: dict[int, Pose]) -> None:
        del poses
        size = self._height // 12
        for number, colour in enumerate(_COLOURS):
            angle = seconds * (0.5 + 0.13 * number) + number * 1.7
            x = self._width * (0.5 + 0.42 * math.sin(angle))
            y = self._height * (0.40 + 0.07 * math.cos(2 * angle))
            self._sketch.disc(x, y, size // 2, colour)

    def layer(self, chain: Chain, index: int, poses: dict[int, Pose]) -> Layer:
        return projection(chain, index, _ROOM_FOV, poses[HEAD])


class Panel(Scene):
    """A pane of glass with bars that go up and down; `place` counts panels from the left."""

    def __init__(self, title: str, width: int, height: int, place: int) -> None:
        super().__init__(title, _pane(width, height))
        self._pose = _hung(place)

    def _mark(self, seconds: float, poses: dict[int, Pose]) -> None:
        del poses
        bars = 8
        for number in range(bars):
            level = 0.5 + 0.5 * math.sin(seconds * 2 + number * 0.8)
            high = self._height * (0.05 + 0.55 * level)
            x = self._width * (number + 1) / (bars + 1)
            colour = _COLOURS[number % len(_COLOURS)]
            y = self._height * 0.92 - high / 2
            self._sketch.fill(x, y, self._width / (bars * 5), high, colour)

    def layer(self, chain: Chain, index: int, poses: dict[int, Pose]) -> Layer:
        del poses
        return quad(chain, index, self._pose, _PANE_M)


class Map(Scene):
    """A pane that shows where the headset and the controllers are, from above and in front."""

    def __init__(self, title: str, width: int, height: int, place: int) -> None:
        super().__init__(title, _pane(width, height))
        self._pose = _hung(place)

    def _mark(self, seconds: float, poses: dict[int, Pose]) -> None:
        del seconds
        scale = self._height * 0.9
        for colour, device in zip(_COLOURS, (HEAD, LEFT, RIGHT), strict=False):
            where = poses[device].position
            x = self._width / 2 + where.x * scale
            y = self._height * 0.6 - (where.y - 1.35) * scale
            self._sketch.disc(x, y, self._height // (14 if device == HEAD else 22), colour)

    def layer(self, chain: Chain, index: int, poses: dict[int, Pose]) -> Layer:
        del poses
        return quad(chain, index, self._pose, _PANE_M)


def _hung(place: int) -> Pose:
    """Answer where panel number `place` hangs: in rows of three around the viewer."""
    angle = (0.36, -0.36, 0.0)[place % 3]
    y = _EYE_HEIGHT_M + (0.12 if place < 2 else -0.55)
    return Pose(looking(angle, 0.0), Vec3(-1.6 * math.sin(angle), y, -1.6 * math.cos(angle)))


def _landscape(width: int, height: int) -> Image:
    """Answer a sky over a chequered floor, as `_ROOM_FOV` sees it."""
    image = np.empty((height, width, 4), np.uint8)
    down = np.linspace(math.tan(_ROOM_FOV.angle_up), math.tan(_ROOM_FOV.angle_down), height)
    across = np.linspace(math.tan(_ROOM_FOV.angle_left), math.tan(_ROOM_FOV.angle_right), width)
    sky = np.clip(down, 0.0, 1.2)[:, None] / 1.2
    for channel, (low, high) in enumerate(((70, 14), (90, 22), (140, 60))):
        image[..., channel] = (low + (high - low) * sky).astype(np.uint8)
    image[..., 3] = 255
    below = down < -0.02
    away = _EYE_HEIGHT_M / -down[below]
    tiles = np.floor(away)[:, None] + np.floor(across[None, :] * away[:, None])
    fade = np.clip(1.0 - away / 14, 0.0, 1.0)[:, None]
    tone = np.where(tiles % 2 == 0, 60, 92) * fade + 70 * (1 - fade)
    image[below, :, :3] = (tone[..., None] * np.array([1.0, 0.95, 1.05])).astype(np.uint8)
    return image


def _pane(width: int, height: int) -> Image:
    """Answer glass with a frame around it."""
    image = np.empty((height, width, 4), np.uint8)
    edge = max(2, height // 60)
    image[...] = (190, 205, 235, 255)
    image[edge:-edge, edge:-edge] = _GLASS
    return image


def _write(image: Image, title: str) -> None:
    """Write a title into the upper left corner; where Pillow is missing there is none."""
    try:
        from PIL import Image as Pillow
        from PIL import ImageDraw, ImageFont
    except ModuleNotFoundError:
        return
    height, width = image.shape[:2]
    mask = Pillow.new("L", (width, height))
    font = ImageFont.load_default(height / 7)
    ImageDraw.Draw(mask).text((height / 20, height / 30), title, fill=255, font=font)
    image[np.asarray(mask) > 127] = (250, 250, 250, 255)


def scene_for(place: int, clients: int, width: int, height: int) -> Scene:
    """Answer what client number `place` of so many draws: the last one reads poses."""
    if place == clients - 1:
        return Map("poses", width, height, place - 1 if place else 0)
    if place == 0:
        return Room("room", width, height)
    return Panel(f"panel {place}", width, height, place - 1)
