from __future__ import annotations

import numpy as np

from ipcrt_services.monado.sketch import Sketch

RED, GREEN = (255, 0, 0, 255), (0, 255, 0, 255)


def test_each_image_shows_the_background_and_its_last_marks() -> None:
    background = np.arange(20 * 30 * 4, dtype=np.uint32).astype(np.uint8).reshape(20, 30, 4)
    sketch = Sketch(background)
    images = [np.zeros_like(background) for _ in range(2)]
    for number in range(6):
        index = number % 2
        sketch.turn_to(index, images[index])
        assert np.array_equal(images[index], background)
        sketch.fill(3 + 4 * number, 5, 2, 4, RED)
        sketch.disc(15, 14, 3, GREEN)
        assert (images[index][3:7, 2 + 4 * number : 4 + 4 * number] == RED).all()
        assert (images[index][14, 15] == GREEN).all()
        assert np.array_equal(images[index][11, 12], background[11, 12])  # a corner of the disc
        changed = (images[index] != background).any(axis=2).sum()
        assert 8 < changed < 8 + 36


def test_what_reaches_beyond_the_edges_is_cut() -> None:
    background = np.zeros((10, 10, 4), np.uint8)
    sketch, image = Sketch(background), np.zeros((10, 10, 4), np.uint8)
    sketch.turn_to(0, image)
    sketch.fill(-50, -50, 4, 4, RED)
    sketch.disc(100, 5, 6, RED)
    assert not image.any()
    sketch.disc(0, 0, 4, GREEN)
    assert (image[0, 0] == GREEN).all()
    assert not image[5:, 5:].any()


def test_only_what_was_marked_is_touched_again() -> None:
    background = np.zeros((10, 10, 4), np.uint8)
    sketch, image = Sketch(background), np.zeros((10, 10, 4), np.uint8)
    sketch.turn_to(0, image)
    sketch.fill(2, 2, 2, 2, RED)
    image[9, 9] = GREEN  # not a mark
    sketch.turn_to(0, image)
    assert (image[9, 9] == GREEN).all()
    assert not image[:9].any()
