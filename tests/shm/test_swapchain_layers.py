from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import pytest

from ipcrt.errors import BadState, InvalidArgs, IpcError, OutOfRange
from ipcrt.objects.handle import close_all
from ipcrt.shm.image_format import ImageFormat
from ipcrt.shm.image_states import ImageState
from ipcrt.shm.swapchain import Swapchain
from ipcrt.shm.swapchain_client import ClientSwapchain
from ipcrt.shm.swapchain_info import SwapchainInfo
from ipcrt.shm.swapchain_layers import Commit, Frame, Layer, Pose, Rect, check_layer

INFO = SwapchainInfo(16, 8, ImageFormat.RGBA8_UNORM, array_layers=2)
NAN = math.nan
GOOD = Layer(1, 0)


def is_mapped(chain: Swapchain) -> bool:
    """Ask anew: a checker believes that what was true stays so."""
    return chain.mapped


@pytest.fixture
def chain() -> Iterator[Swapchain]:
    """A swapchain whose image 0 is released."""
    made = Swapchain.allocate(INFO)
    close_all(made.take_images())
    made.acquire()
    made.wait(0)
    made.release(0)
    yield made
    made.destroy()
    assert not made.mapped


@pytest.mark.parametrize(
    "layer",
    [
        GOOD,
        replace(GOOD, rect=Rect(0, 0, 16, 8)),
        replace(GOOD, rect=Rect(15, 7, 1, 1)),
        replace(GOOD, array_layer=1),
        replace(GOOD, pose=Pose((0.0, 0.0, 0.7071, 0.7071), (1.0, -2.0, 3.0))),
        replace(GOOD, size=(0.001, 100.0), extra={"any": "thing"}),
    ],
)
def test_a_layer_that_can_be_shown(chain: Swapchain, layer: Layer) -> None:
    check_layer(layer, chain)


@pytest.mark.parametrize(
    "layer, error, message",
    [
        (Layer(1, 1), BadState, "cannot show image 1: it is free"),
        (Layer(1, 3), OutOfRange, "image 3 is not below 3"),
        (replace(GOOD, array_layer=2), OutOfRange, "array layer 2"),
        (replace(GOOD, array_layer=-1), OutOfRange, "array layer -1"),
        (replace(GOOD, face=1), OutOfRange, "face 1"),
        (replace(GOOD, rect=Rect(0, 0, 17, 8)), OutOfRange, "16 x 8"),
        (replace(GOOD, rect=Rect(1, 0, 16, 8)), OutOfRange, "16 x 8"),
        (replace(GOOD, rect=Rect(0, 1, 16, 8)), OutOfRange, "16 x 8"),
        (replace(GOOD, rect=Rect(-1, 0, 4, 4)), OutOfRange, "16 x 8"),
        (replace(GOOD, rect=Rect(0, -1, 4, 4)), OutOfRange, "16 x 8"),
        (replace(GOOD, rect=Rect(0, 0, 0, 4)), OutOfRange, "16 x 8"),
        (replace(GOOD, rect=Rect(0, 0, 4, -1)), OutOfRange, "16 x 8"),
        (replace(GOOD, pose=Pose((0.0, 0.0, 0.0, 0.0))), InvalidArgs, "no unit quaternion"),
        (replace(GOOD, pose=Pose((0.0, 0.0, 0.0, 1.02))), InvalidArgs, "no unit quaternion"),
        (replace(GOOD, pose=Pose((NAN, 0.0, 0.0, 1.0))), InvalidArgs, "not finite"),
        (replace(GOOD, pose=Pose(position=(0.0, math.inf, 0.0))), InvalidArgs, "not finite"),
        (replace(GOOD, size=(0.0, 1.0)), InvalidArgs, "size"),
        (replace(GOOD, size=(1.0, -1.0)), InvalidArgs, "size"),
        (replace(GOOD, size=(NAN, 1.0)), InvalidArgs, "size"),
        (replace(GOOD, size=(1.0, math.inf)), InvalidArgs, "size"),
    ],
)
def test_a_layer_that_cannot(
    chain: Swapchain, layer: Layer, error: type[IpcError], message: str
) -> None:
    with pytest.raises(error, match=message):
        check_layer(layer, chain)


def test_a_commit_holds_an_image_until_it_is_dropped(chain: Swapchain) -> None:
    commit = Commit([(GOOD, chain), (replace(GOOD, array_layer=1), chain)], 7)
    chain.acquire()
    chain.wait(1)
    chain.release(1)
    states = [chain.states[0]]
    commit.drop()
    commit.drop()
    states.append(chain.states[0])
    assert states == [ImageState.RELEASED, ImageState.FREE]


def test_a_frame_shows_what_the_client_drew() -> None:
    with ClientSwapchain.allocate(INFO) as mine:
        chain = Swapchain.import_images(INFO, mine.take_images())
        chain.acquire()
        chain.wait(0)
        mine.pixels(0, array_layer=1)[3, 5] = (1, 2, 3, 4)
        chain.release(0)
        part = replace(GOOD, array_layer=1, rect=Rect(4, 2, 3, 2))
        commit = Commit([(part, chain), (GOOD, chain)], 9)
        with Frame(commit) as frame:
            assert frame.frame_id == 9
            first, second = (layer.pixels() for layer in frame.layers)
            assert first.shape == (2, 3, 4)
            assert list(first[1, 1]) == [1, 2, 3, 4]
            assert first.sum() == 10
            assert second.shape == (8, 16, 4)
            assert not second.any()
            mine.pixels(0)[...] = 9  # not copied: a client that goes on drawing is seen
            assert (second == 9).all()
            assert frame.layers[0].layer is part
            del first, second
        commit.drop()
        chain.destroy()
        assert not is_mapped(chain)


def test_a_frame_of_nothing() -> None:
    with Frame(None) as frame:
        assert (frame.layers, frame.frame_id) == ((), None)


def test_a_frame_reads_until_it_is_closed(chain: Swapchain) -> None:
    commit = Commit([(GOOD, chain), (GOOD, chain)], 0)
    frame = Frame(commit)
    commit.drop()
    chain.destroy()
    assert is_mapped(chain)
    frame.close()
    frame.close()
    assert not is_mapped(chain)
    assert frame.layers == ()


def test_a_forgotten_frame_lets_go_and_says_so(chain: Swapchain) -> None:
    commit = Commit([(GOOD, chain)], 0)
    frame = Frame(commit)
    commit.drop()
    held = [frame]
    del frame
    with pytest.warns(ResourceWarning, match="unclosed <.*Frame"):
        held.clear()
    chain.destroy()
