"""A client of the service, in a plain thread.

    with connect_blocking(port=port) as locator, locator.open(MonadoBlockingProxy) as monado:
        with Client(monado, "paint") as client, client.create_swapchain(1920, 1080) as chain:
            client.begin()
            for _ in range(90):
                with client.frame() as frame:
                    with chain.drawing() as image:
                        image.pixels[...] = 255
                    frame.show([quad(chain, image.index, pose, (1.6, 0.9))])

Poses are read from shared memory: `client.pose(HEAD)` calls nobody.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self

from ipcrt.errors import IpcError, PeerClosed
from ipcrt.objects.event import Event
from ipcrt.shm.image_format import ImageFormat
from ipcrt.shm.state_reader import StateReader
from ipcrt.shm.swapchain_client import ClientSwapchain
from ipcrt.shm.swapchain_info import SwapchainInfo as ShmInfo
from ipcrt_services.monado.bindings import (
    ClientDescription,
    CompositorInfo,
    Format,
    Fov,
    Layer,
    LayerFlags,
    LayerProjection,
    LayerQuad,
    MonadoBlockingProxy,
    Pose,
    ProjectionLayer,
    ProjectionView,
    QuadLayer,
    Rect,
    Refused,
    Relation,
    SessionInfo,
    SessionKind,
    SubImage,
    SwapchainInfo,
)
from ipcrt_services.monado.geometry import predicted
from ipcrt_services.monado.layout import LAYOUT, POSES, relation_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_WAIT_NS: Final = 1_000_000_000
_NS: Final = 1e9
BLENDED: Final = LayerFlags.BLEND_TEXTURE_SOURCE_ALPHA | LayerFlags.UNPREMULTIPLIED_ALPHA


@dataclass(frozen=True, slots=True)
class Drawing:
    """An image that may be drawn on: an array (height, width, 4) of red, green, blue and alpha."""

    index: int
    pixels: npt.NDArray[np.generic[Any]]


class Chain:
    """A swapchain; owns the mappings of its images."""

    def __init__(self, monado: MonadoBlockingProxy, number: int, images: ClientSwapchain) -> None:
        """Own `images`; use `Client.create_swapchain` or `import_swapchain`."""
        self.number: Final = number
        self.images: Final = images
        self._monado = monado
        self._closed = False

    @property
    def rect(self) -> Rect:
        """All of an image."""
        return Rect(0, 0, self.images.info.width, self.images.info.height)

    @contextmanager
    def drawing(self) -> Generator[Drawing, None, None]:
        """Lend the next image to draw on; on leaving, however that is, it is drawn.

        Raises: Refused.
        """
        index = self._monado.swapchain_acquire_image(self.number).index
        self._monado.swapchain_wait_image(self.number, _WAIT_NS, index)
        with _afterwards(partial(self._monado.swapchain_release_image, self.number, index)):
            yield Drawing(index, self.images.pixels(index))

    def close(self) -> None:
        """Give the images up, here and at the service, which shows them on. Idempotent."""
        self.images.close()
        if not self._closed and not self._monado.closed:
            # Gone with the session, or with the service: then there is nothing to give up.
            with contextlib.suppress(Refused, PeerClosed):
                self._monado.swapchain_destroy(self.number)
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Frame:
    """One frame under way: `show` delivers it; otherwise it is discarded."""

    def __init__(self, monado: MonadoBlockingProxy, frame_id: int, display_time_ns: int) -> None:
        self.id: Final = frame_id
        self.display_time_ns: Final = display_time_ns
        self.shown = False
        self._monado = monado

    def show(self, layers: Sequence[Layer], fence: Event | None = None) -> None:
        """Deliver it, the lowest layer first; `fence` moves. Raises: Refused."""
        self._monado.compositor_layer_sync(self.id, list(layers), fence)
        self.shown = True

    def show_after(self, layers: Sequence[Layer], semaphore: int, value: int) -> None:
        """Deliver it; it is seen once a semaphore has reached a value. Raises: Refused."""
        self._monado.compositor_layer_sync_with_semaphore(self.id, list(layers), semaphore, value)
        self.shown = True


class Client:
    """One client with a session; the proxy is lent."""

    def __init__(
        self,
        monado: MonadoBlockingProxy,
        name: str,
        kind: SessionKind = SessionKind.MAIN,
        z_order: int = 0,
    ) -> None:
        """Say who one is, map the shared memory, and make a session. Raises: Refused, IpcError."""
        self.monado: Final = monado
        monado.instance_describe_client(ClientDescription(name))
        self.display: Final[CompositorInfo] = monado.system_compositor_get_info().info
        self._reader = StateReader.attach(monado.instance_get_shm_fd().shm, LAYOUT)
        self._poses = {number: self._reader.section(each) for number, each in POSES.items()}
        try:
            monado.session_create(SessionInfo(kind, z_order))
        except BaseException:
            self._reader.close()
            raise

    @property
    def state(self) -> StateReader:
        """The service's shared memory; see `layout.py`."""
        return self._reader

    def pose(self, device: int) -> Relation:
        """Answer where a device was a moment ago, without a call."""
        return relation_of(self._poses[device].read())

    def pose_at(self, device: int, time_ns: int) -> Pose:
        """Answer where a device will be if it goes on as it does, without a call."""
        found = self._poses[device].read()
        return predicted(relation_of(found), (time_ns - found.timestamp_ns) / _NS)

    # ---- swapchains

    def create_swapchain(self, width: int, height: int) -> Chain:
        """Have images made by the service; the caller closes it. Raises: Refused."""
        made = self.monado.swapchain_create(SwapchainInfo(width, height, Format.RGBA8_UNORM))
        images = ClientSwapchain.attach(_shm_info(width, height), made.images)
        return Chain(self.monado, made.swapchain_id, images)

    def import_swapchain(self, width: int, height: int) -> Chain:
        """Make the images here; the caller closes it. Raises: Refused, NoResources."""
        info = SwapchainInfo(width, height, Format.RGBA8_UNORM)
        images = ClientSwapchain.allocate(_shm_info(width, height))
        try:
            reply = self.monado.swapchain_import(info, images.take_images())
        except BaseException:
            images.close()
            raise
        return Chain(self.monado, reply.swapchain_id, images)

    # ---- frames

    def begin(self) -> None:
        """Begin the session. Raises: Refused."""
        self.monado.session_begin()

    @contextmanager
    def frame(self, idle: Callable[[int], object] | None = None) -> Generator[Frame, None, None]:
        """Sleep until the next frame is to be drawn, and lend it.

        On leaving, however that is, a frame that was not shown is discarded. `idle`, if given, is
        called instead of sleeping, with the time to be back. Raises: Refused.
        """
        monado = self.monado
        told = monado.compositor_predict_frame()
        (idle or _sleep_until)(told.wake_up_time_ns)
        monado.compositor_wait_woke(told.frame_id)
        monado.compositor_begin_frame(told.frame_id)
        frame = Frame(monado, told.frame_id, told.predicted_display_time_ns)

        def discard() -> None:
            if not frame.shown:
                monado.compositor_discard_frame(told.frame_id)

        with _afterwards(discard):
            yield frame

    # ---- the end

    def close(self) -> None:
        """Unmap the shared memory; the session ends with the channel. Idempotent."""
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def quad(
    chain: Chain,
    index: int,
    pose: Pose,
    size: tuple[float, float],
    flags: LayerFlags = BLENDED,
) -> Layer:
    """Answer a layer that hangs in the world; its size is across and from top to bottom, metres."""
    return LayerQuad(QuadLayer(flags, SubImage(chain.number, index, chain.rect), pose, *size))


def projection(chain: Chain, index: int, fov: Fov, pose: Pose) -> Layer:
    """Answer a layer that is the world, as both eyes see it."""
    view = ProjectionView(SubImage(chain.number, index, chain.rect), fov, pose)
    return LayerProjection(ProjectionLayer(LayerFlags(0), [view]))


@contextmanager
def _afterwards(call: Callable[[], object]) -> Generator[None, None, None]:
    """Call in any case; where leaving has a reason already, it stays the reason."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(IpcError):
            call()
        raise
    call()


def _sleep_until(time_ns: int) -> None:
    time.sleep(max(0, time_ns - time.monotonic_ns()) / _NS)


def _shm_info(width: int, height: int) -> ShmInfo:
    return ShmInfo(width, height, ImageFormat.RGBA8_UNORM)
