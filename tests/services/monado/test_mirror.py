from __future__ import annotations

import numpy as np
import pytest

from ipcrt.errors import AccessDenied, BadState, OutOfRange, ShouldWait, TimedOut
from ipcrt.objects.vmo import Vmo
from ipcrt_services.monado.compositor import colour
from ipcrt_services.monado.mirror import Mirror, MirrorReader, mirror_layout


def test_a_picture_is_seen_as_it_was_published() -> None:
    mirror = Mirror(7, 5)
    with MirrorReader(mirror.share(), 7, 5) as reader:
        with pytest.raises(ShouldWait):
            reader.take()
        mirror.canvas[...] = colour(1, 2, 3, 4)
        mirror.canvas[4, 6] = colour(9, 8, 7, 6)
        mirror.publish(123)
        mirror.canvas[...] = 0  # the next one, not published yet
        assert reader.wait(0, 0.0) == reader.version == 1
        found = reader.take()
        assert found.shape == (5, 7, 4)
        assert found[0, 0].tolist() == [1, 2, 3, 4]
        assert found[4, 6].tolist() == [9, 8, 7, 6]
        with pytest.raises(TimedOut):
            reader.wait(1, 0.0)
    mirror.close()


def test_a_reader_cannot_draw() -> None:
    mirror = Mirror(7, 5)
    with mirror.share() as vmo, pytest.raises((AccessDenied, BadState)):
        vmo.map(writable=True)
    mirror.close()


def test_sizes_are_bounded() -> None:
    with pytest.raises(OutOfRange, match="4096 x 4096"):
        mirror_layout(4096, 4096)
    with pytest.raises(OutOfRange):
        MirrorReader(Vmo.create(100), 0, 5)


def test_the_canvas_is_where_it_is_published_from() -> None:
    mirror = Mirror(4, 3)
    assert mirror.canvas.shape == (3, 4)
    assert mirror.canvas.dtype == np.uint32
    assert mirror.size == (4, 3)
    mirror.close()
