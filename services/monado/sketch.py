"""Drawing on images in turn, cheaply: a background that is put there once, and marks that move.

An image still shows what was drawn on it some frames ago. So each image remembers its own marks;
they are wiped when its turn comes again, and nothing else of it is touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Image: TypeAlias = npt.NDArray[Any]

Box: TypeAlias = tuple[slice, slice]
Colour: TypeAlias = tuple[int, int, int, int]


class Sketch:
    """A background, and the marks on each of the images that show it."""

    def __init__(self, background: Image) -> None:
        """`background` is (height, width, 4), as all images are."""
        self.background = background
        self._marks: dict[int, list[Box]] = {}
        self._image: Image = background
        self._boxes: list[Box] = []
        self._discs: dict[int, Image] = {}

    def turn_to(self, index: int, image: Image) -> None:
        """Draw on this image from now on; it shows the background and nothing else."""
        self._image = image
        if index not in self._marks:
            image[...] = self.background
        else:
            for box in self._marks[index]:
                image[box] = self.background[box]
        self._boxes = self._marks[index] = []

    def fill(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        """Put a rectangle there, cut off at the image's edges; `x`, `y` is its middle."""
        box = self._box(x, y, width, height)
        self._boxes.append(box)
        self._image[box] = colour

    def disc(self, x: float, y: float, radius: int, colour: Colour) -> None:
        """Put a disc there; its middle is a whole pixel."""
        box = self._box(round(x), round(y), 2 * radius, 2 * radius)
        self._boxes.append(box)
        shape = self._discs.get(radius)
        if shape is None:
            shape = self._discs[radius] = _disc(radius)
        top, left = round(y) - radius, round(x) - radius
        inside = shape[
            box[0].start - top : box[0].stop - top, box[1].start - left : box[1].stop - left
        ]
        self._image[box][inside] = colour

    def _box(self, x: float, y: float, width: float, height: float) -> Box:
        high, wide = self._image.shape[:2]
        left, top = round(x - width / 2), round(y - height / 2)
        right, bottom = round(x + width / 2), round(y + height / 2)
        return (
            slice(min(max(top, 0), high), min(max(bottom, 0), high)),
            slice(min(max(left, 0), wide), min(max(right, 0), wide)),
        )


def _disc(radius: int) -> Image:
    """Answer which pixels of a square are those of a disc."""
    aside = np.arange(-radius, radius) + 0.5
    return aside[:, None] ** 2 + aside[None, :] ** 2 <= radius**2
