"""What hostile clients do, and that nobody else notices: the service is a process of its own."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from ipcrt.errors import BadState
from ipcrt.objects.handle import close_all
from ipcrt.objects.seals import Seals
from ipcrt.objects.vmo import Vmo
from ipcrt_services.demo.measure import Descriptors
from ipcrt_services.monado.bindings import (
    MAX_CLIENT_BYTES,
    MAX_EDGE,
    MAX_SWAPCHAINS,
    Format,
    MonadoBlockingProxy,
    Pose,
    Refusal,
    SessionInfo,
    SessionKind,
    SwapchainInfo,
    Vec3,
)
from ipcrt_services.monado.client import Client, quad
from ipcrt_services.monado.geometry import HERE, UPRIGHT
from tests.services.conftest import Starter
from tests.services.monado.refusing import refused
from tests.services.monado.users import info_of, mirror_of, serving, show_colour, until_seen
from tests.support.waiting import wait_until

SIZE = SwapchainInfo(64, 64, Format.RGBA8_UNORM)
SIZE_BYTES = 64 * 64 * 4
RED, GREEN = (255, 0, 0), (0, 255, 0)
SEALED = Seals.SHRINK | Seals.GROW


def memory(size: int = SIZE_BYTES, seals: Seals = SEALED) -> Vmo:
    vmo = Vmo.create(size)
    vmo.seal(seals)
    return vmo


def lend_memory_that_is_none(bad: MonadoBlockingProxy) -> None:
    """Wrong sizes, memory that can be cut, one memory twice, too few and too many."""
    short = [memory(), memory(SIZE_BYTES - 4096), memory()]
    assert refused(bad.swapchain_import, SIZE, short) is Refusal.BAD_MEMORY
    empty = [memory(0) for _ in range(3)]
    assert refused(bad.swapchain_import, SIZE, empty) is Refusal.BAD_MEMORY
    long = [memory(SIZE_BYTES * 1000) for _ in range(3)]
    assert refused(bad.swapchain_import, SIZE, long) is Refusal.BAD_MEMORY
    unsealable = [memory(seals=Seals.SEAL) for _ in range(3)]
    assert refused(bad.swapchain_import, SIZE, unsealable) is Refusal.BAD_MEMORY
    with memory() as twice:
        same = [twice.duplicate() for _ in range(3)]
        assert refused(bad.swapchain_import, SIZE, same) is Refusal.BAD_MEMORY
    assert refused(bad.swapchain_import, SIZE, [memory()]) is Refusal.BAD_MEMORY
    assert refused(bad.swapchain_import, SIZE, []) is Refusal.BAD_MEMORY


def cut_memory_that_was_lent(bad: MonadoBlockingProxy) -> None:
    """What is not sealed is refused; what is sealed nobody can cut, also not its owner."""
    unsealed = [memory(seals=Seals.NONE) for _ in range(3)]
    assert refused(bad.swapchain_import, SIZE, unsealed) is Refusal.BAD_MEMORY
    with memory() as mine:
        images = [mine.duplicate(), memory(), memory()]
        number = bad.swapchain_import(SIZE, images).swapchain_id
        with pytest.raises(BadState):
            mine.set_content_size(0)
        bad.swapchain_destroy(number)


def ask_for_sizes_that_are_none(bad: MonadoBlockingProxy) -> None:
    for width, height in ((0, 64), (64, 0), (MAX_EDGE + 1, 64), (2**32 - 1, 2**32 - 1)):
        info = SwapchainInfo(width, height, Format.RGBA8_UNORM)
        assert refused(bad.swapchain_create, info) is Refusal.BAD_SIZE
        assert refused(bad.swapchain_get_properties, info) is Refusal.BAD_SIZE
    assert refused(bad.swapchain_create, SwapchainInfo(64, 64, Format(7))) is Refusal.BAD_SIZE


def use_images_out_of_turn(bad: MonadoBlockingProxy) -> None:
    made = bad.swapchain_create(SIZE)
    close_all(made.images)
    number = made.swapchain_id
    assert refused(bad.swapchain_release_image, number, 0) is Refusal.IMAGE_NOT_ACQUIRED
    assert refused(bad.swapchain_wait_image, number, 0, 0) is Refusal.IMAGE_NOT_ACQUIRED
    assert refused(bad.swapchain_release_image, number, 3) is Refusal.NO_SUCH_IMAGE
    assert refused(bad.swapchain_wait_image, number, 0, 2**32 - 1) is Refusal.NO_SUCH_IMAGE
    assert refused(bad.swapchain_acquire_image, 99) is Refusal.NO_SUCH_SWAPCHAIN
    index = bad.swapchain_acquire_image(number).index
    assert refused(bad.swapchain_release_image, number, index) is Refusal.IMAGE_NOT_WAITED
    bad.swapchain_wait_image(number, 0, index)
    bad.swapchain_release_image(number, index)
    assert refused(bad.swapchain_release_image, number, index) is Refusal.IMAGE_NOT_ACQUIRED
    for _ in range(2):
        bad.swapchain_acquire_image(number)
    assert refused(bad.swapchain_acquire_image, number) is Refusal.NO_IMAGE_FREE
    bad.swapchain_destroy(number)


def show_what_is_not_there(bad: MonadoBlockingProxy, client: Client) -> None:
    with client.create_swapchain(64, 64) as chain:
        frame = bad.compositor_predict_frame().frame_id
        assert refused(bad.compositor_layer_sync, frame, [], None) is Refusal.BAD_FRAME
        assert refused(bad.compositor_begin_frame, frame + 1) is Refusal.BAD_FRAME
        bad.compositor_begin_frame(frame)
        layer = quad(chain, 0, HERE, (1.0, 1.0))
        reason = refused(bad.compositor_layer_sync, frame, [layer], None)
        assert reason is Refusal.IMAGE_NOT_RELEASED
        reason = refused(bad.compositor_layer_sync, frame, [quad(chain, 9, HERE, (1.0, 1.0))], None)
        assert reason is Refusal.NO_SUCH_IMAGE
        with chain.drawing() as image:
            pass
        far = Pose(UPRIGHT, Vec3(float("nan"), 0.0, 0.0))
        layer = quad(chain, image.index, far, (1.0, 1.0))
        assert refused(bad.compositor_layer_sync, frame, [layer], None) is Refusal.BAD_LAYER
        bad.compositor_discard_frame(frame)


def make_swapchains_without_end(bad: MonadoBlockingProxy) -> None:
    """Far more than are allowed; each refusal costs the service next to nothing."""
    for _ in range(MAX_SWAPCHAINS):
        close_all(bad.swapchain_create(SIZE).images)
    for _ in range(300):
        assert refused(bad.swapchain_create, SIZE) is Refusal.TOO_MANY
    assert info_of(bad).swapchains == MAX_SWAPCHAINS
    bad.session_destroy()
    bad.session_create(SessionInfo(SessionKind.MAIN, 0))
    big = SwapchainInfo(MAX_EDGE, MAX_EDGE, Format.RGBA8_UNORM)
    size_bytes = bad.swapchain_get_properties(big).properties.size_bytes
    lent = MAX_CLIENT_BYTES // size_bytes
    bad.swapchain_import(big, [memory(size_bytes) for _ in range(lent)])
    assert refused(bad.swapchain_create, SIZE) is Refusal.TOO_MANY


def send_garbage(bad: MonadoBlockingProxy) -> None:
    """No message at all: that ends the channel."""
    with bad.into_client_end() as end, end.take_channel() as channel:
        with socket.socket(fileno=os.dup(channel.fileno())) as raw:
            raw.send(b"\xff" * 100)
        wait_until(lambda: _is_closed(channel.fileno()))


def _is_closed(fd: int) -> bool:
    with socket.socket(fileno=os.dup(fd)) as raw:
        try:
            return not raw.recv(100, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False


def test_a_hostile_client_harms_nobody_else(start: Starter, tmp_path: Path) -> None:
    with (
        serving(start, tmp_path, 2) as (child, [good, bad]),
        mirror_of(good) as mirror,
        Client(good, "good") as painter,
        Client(bad, "bad") as client,
    ):
        painter.begin()
        client.begin()
        show_colour(painter, RED)
        before = Descriptors.of(child.pid)
        attacks: list[Callable[[], None]] = [
            lambda: lend_memory_that_is_none(bad),
            lambda: cut_memory_that_was_lent(bad),
            lambda: ask_for_sizes_that_are_none(bad),
            lambda: use_images_out_of_turn(bad),
            lambda: show_what_is_not_there(bad, client),
            lambda: make_swapchains_without_end(bad),
            lambda: send_garbage(bad),
        ]
        for number, attack in enumerate(attacks):
            attack()
            colour = (RED, GREEN)[number % 2]
            show_colour(painter, colour, frames=2)
            until_seen(mirror, colour)
        wait_until(lambda: good.system_get_clients().ids == [1])
        wait_until(lambda: not Descriptors.of(child.pid).since(before))
