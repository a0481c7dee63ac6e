"""How the composed pictures are published, so that a person can look at them.

A shared state with one section: when the picture is shown, then its pixels. Its size depends on the
display, so both sides make the layout from what the service has told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self, TypeAlias

import numpy as np

from ipcrt.errors import OutOfRange
from ipcrt.objects.vmo import Vmo
from ipcrt.shm.layout import Layout, Section
from ipcrt.shm.shape import SCALARS, Member, Shape
from ipcrt.shm.shared_state import SharedState
from ipcrt.shm.state_reader import StateReader

if TYPE_CHECKING:
    import numpy.typing as npt

    Pixels: TypeAlias = npt.NDArray[np.uint32]

MAX_PIXELS: Final = 1 << 21


@dataclass(frozen=True, slots=True)
class Picture:
    """One composed picture."""

    display_time_ns: int
    pixels: tuple[int, ...]


def mirror_layout(width: int, height: int) -> Layout:
    """Answer how pictures of this size are published. Raises: OutOfRange."""
    if not 0 < width * height <= MAX_PIXELS:
        raise OutOfRange(f"a mirror of {width} x {height} pixels exceeds {MAX_PIXELS}")
    members = [
        Member("display_time_ns", SCALARS["uint64"]),
        Member("pixels", SCALARS["uint32"], width * height),
    ]
    return Layout(
        f"ipcrt.monado.mirror.{width}", [Section("picture", Shape("Picture", members, Picture))]
    )


class Mirror:
    """The writer: one canvas to compose on, published as often as wanted."""

    def __init__(self, width: int, height: int) -> None:
        """Raises: OutOfRange: too large. NoResources."""
        layout = mirror_layout(width, height)
        self.size: Final = (width, height)
        self._state = SharedState.create(layout, "ipcrt-mirror")
        [section] = layout.sections
        self._writer = self._state.writer(section)
        pixels_at = section.shape.offsets[1]
        self._octets = bytearray(section.shape.size)
        self._time = np.ndarray((1,), np.uint64, self._octets)
        self.canvas: Final[Pixels] = np.ndarray((height, width), np.uint32, self._octets, pixels_at)
        """What is published; any thread may draw on it between two calls of `publish`."""

    def publish(self, display_time_ns: int) -> None:
        """Show what is on the canvas."""
        self._time[0] = display_time_ns
        self._writer.publish_bytes(memoryview(self._octets))

    def share(self) -> Vmo:
        """Answer a read-only handle; the caller owns it. Raises: NoResources."""
        return self._state.share()

    def close(self) -> None:
        """Give the memory back. Idempotent."""
        self._state.close()


class MirrorReader:
    """The reader, in another process."""

    def __init__(self, vmo: Vmo, width: int, height: int) -> None:
        """Own `vmo`, whatever happens. Raises: as `StateReader.attach`; OutOfRange."""
        with vmo:
            layout = mirror_layout(width, height)
            self._reader = StateReader.attach(vmo.duplicate(), layout)
        [self._section] = layout.sections
        self._pixels_at = self._section.shape.offsets[1]
        self._shape = (height, width)

    @property
    def version(self) -> int:
        """How many pictures were published."""
        return self._reader.version(self._section)

    def wait(self, after: int, timeout: float) -> int:
        """Sleep until there is a newer one; answer its version. Raises: TimedOut, PeerClosed."""
        return self._reader.wait(self._section, after, timeout)

    def take(self) -> npt.NDArray[np.uint8]:
        """Copy the newest picture: an array (height, width, 4) of red, green, blue and alpha.

        Raises: ShouldWait: there is none yet.
        """
        pixels = np.frombuffer(
            self._reader.snapshot(self._section), np.uint8, offset=self._pixels_at
        )
        height, width = self._shape
        return pixels[: height * width * 4].reshape(height, width, 4)

    def close(self) -> None:
        """Give the memory back. Idempotent."""
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
