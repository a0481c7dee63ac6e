"""What a person may look at: pictures as files, as a film, or in a window.

Each taker gets pictures as arrays (height, width, 4). What it needs is imported when it is made,
and where that is missing, it says so.
"""

from __future__ import annotations

import errno
import os
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

from ipcrt.errors import InvalidArgs, NotSupported, Unavailable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Picture: TypeAlias = npt.NDArray[np.uint8]

_FILM_HZ: Final = 30
_WINDOW_TITLE: Final = "ipcrt demo monado"


class Taker(ABC):
    """Takes pictures as they come; `close` finishes what it makes."""

    @abstractmethod
    def take(self, picture: Picture) -> None:
        """One more. Raises: OSError: it cannot be written."""

    @abstractmethod
    def close(self) -> None:
        """Finish. Idempotent. Raises: OSError."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class PngFile(Taker):
    """Writes the last picture; with a `%d` in its name, each one, numbered."""

    def __init__(self, path: Path) -> None:
        """Raises: NotSupported: no Pillow. InvalidArgs: no number fits the name. OSError."""
        _check_place(path)
        try:
            from PIL import Image
        except ModuleNotFoundError:
            raise _missing("PNG files need Pillow") from None
        self._from_array = Image.fromarray
        self._numbered = "%" in path.name
        self._path = path
        self._last: Picture | None = None
        self.written = 0
        if self._numbered:
            self._name(0)

    def _name(self, number: int) -> Path:
        try:
            return self._path.with_name(self._path.name % number)
        except (TypeError, ValueError) as error:
            raise InvalidArgs(f"{self._path.name}: {error}") from error

    def take(self, picture: Picture) -> None:
        if self._numbered:
            self._write(picture, self._name(self.written))
        else:
            self._last = picture

    def _write(self, picture: Picture, path: Path) -> None:
        self._from_array(picture).convert("RGB").save(path, "PNG", optimize=True)
        self.written += 1

    def close(self) -> None:
        last, self._last = self._last, None
        if last is not None:
            self._write(last, self._path)


class VideoFile(Taker):
    """Writes a film; the name's ending says of what kind."""

    def __init__(self, path: Path) -> None:
        """Raises: NotSupported: no PyAV, or it knows no such file. OSError."""
        _check_place(path)
        try:
            import av
        except ModuleNotFoundError:
            raise _missing("films need PyAV") from None
        self._av = av
        try:
            self._container: Any = av.open(str(path), "w")
        except ValueError as error:
            raise NotSupported(f"{path}: {error}") from error
        self._stream: Any = None
        self._closed = False

    def take(self, picture: Picture) -> None:
        height, width = picture.shape[:2]
        if self._stream is None:
            self._stream = self._container.add_stream("mpeg4", rate=_FILM_HZ)
            self._stream.width, self._stream.height = width & ~1, height & ~1
            self._stream.pix_fmt = "yuv420p"
            self._stream.bit_rate = 4_000_000
        frame = self._av.VideoFrame.from_ndarray(picture[: height & ~1, : width & ~1, :3].copy())
        for packet in self._stream.encode(frame):
            self._container.mux(packet)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._stream is not None:
            for packet in self._stream.encode():
                self._container.mux(packet)
        self._container.close()


class Window(Taker):
    """Shows pictures on the display until it is closed; used on one thread."""

    def __init__(self) -> None:
        """Raises: Unavailable: there is no display. NotSupported: no tkinter, or no Pillow."""
        try:
            import tkinter

            from PIL import Image, ImageTk
        except ImportError as error:
            raise NotSupported(f"a window needs tkinter and Pillow: {error}") from None
        if not os.environ.get("DISPLAY"):
            raise Unavailable("there is no display: DISPLAY is not set")
        try:
            self._root: Any = tkinter.Tk()
        except tkinter.TclError as error:
            raise Unavailable(f"there is no display: {error}") from None
        self._root.title(_WINDOW_TITLE)
        self._label: Any = tkinter.Label(self._root)
        self._label.pack()
        self._tk: Any = ImageTk
        self._from_array = Image.fromarray
        self._photo: Any = None
        self._root.protocol("WM_DELETE_WINDOW", self.close)

    def take(self, picture: Picture) -> None:
        if self._root is None:
            return
        # tkinter itself does not keep it.
        self._photo = self._tk.PhotoImage(self._from_array(picture))
        self._label.configure(image=self._photo)
        self._root.update()

    def close(self) -> None:
        root, self._root = self._root, None
        if root is not None:
            root.destroy()


def _check_place(path: Path) -> None:
    """Say now that nothing can be written there, not when the picture is there."""
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


def _missing(what: str) -> NotSupported:
    return NotSupported(f"{what}: pip install 'ipcrt[monado]'")
