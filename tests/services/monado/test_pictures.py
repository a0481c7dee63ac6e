from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from ipcrt.errors import InvalidArgs, NotSupported, Unavailable
from ipcrt_services.monado.pictures import PngFile, VideoFile, Window


def picture(red: int, height: int = 32, width: int = 48) -> npt.NDArray[np.uint8]:
    found = np.zeros((height, width, 4), np.uint8)
    found[...] = (red, 10, 20, 255)
    return found


def test_a_png_file_shows_the_last_picture(tmp_path: Path) -> None:
    with PngFile(tmp_path / "out.png") as taker:
        for red in (50, 100, 200):
            taker.take(picture(red))
        assert list(tmp_path.iterdir()) == []
    with Image.open(tmp_path / "out.png") as found:
        assert found.size == (48, 32)
        assert found.getpixel((5, 5)) == (200, 10, 20)


def test_a_numbered_png_file_is_one_for_each(tmp_path: Path) -> None:
    with PngFile(tmp_path / "out-%02d.png") as taker:
        for red in (50, 100):
            taker.take(picture(red))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out-00.png", "out-01.png"]


def test_without_pictures_there_is_no_png_file(tmp_path: Path) -> None:
    with PngFile(tmp_path / "out.png"):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["%s%s.png", "%q.png"])
def test_a_number_must_fit_the_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidArgs, match=name):
        PngFile(tmp_path / name)


def test_a_film_has_all_pictures(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with VideoFile(path) as taker:
        for red in range(0, 250, 25):
            taker.take(picture(red, 33, 49))
    with av.open(str(path)) as film:
        frames = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    assert [frame.shape for frame in frames] == [(32, 48, 3)] * 10
    assert abs(int(frames[8][16, 16, 0]) - 200) < 20


def test_a_film_without_pictures_ends_well(tmp_path: Path) -> None:
    with VideoFile(tmp_path / "out.mp4"):
        pass


def test_a_film_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotSupported, match=r"out\.unknown"):
        VideoFile(tmp_path / "out.unknown")


def test_without_a_display_there_is_no_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises((Unavailable, NotSupported), match=r"display|tkinter"):
        Window()


def _never(path: Path, mode: int) -> bool:
    del path, mode
    return False


@pytest.mark.parametrize("make", [PngFile, VideoFile])
def test_where_nothing_can_be_written_is_told_before_there_is_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], object]
) -> None:
    with pytest.raises(FileNotFoundError):
        make(tmp_path / "none" / "out.mp4")
    (tmp_path / "out.mp4").mkdir()
    with pytest.raises(IsADirectoryError):
        make(tmp_path / "out.mp4")
    monkeypatch.setattr("os.access", _never)  # root may write anywhere
    with pytest.raises(PermissionError, match=r"new\.mp4"):
        make(tmp_path / "new.mp4")
