"""Swapchain: the server's side of a few images that a client draws and a compositor shows.

    chain = Swapchain.allocate(info)                   server-allocated:
    reply = chain.take_images()                        the VMOs to send, once
    chain = Swapchain.import_images(info, handles)     client-allocated: owns the handles
    index = chain.acquire()                            ShouldWait: none is free
    chain.wait(index)                                  ShouldWait: a frame still reads it
    chain.release(index)
    chain.destroy()
    chain.on_change(call)                              once, when it is worth trying again

A `SwapchainSet` holds a client's swapchains, and does this by their ids. The states of an image and
the legal steps are in `image_states.py`. Beside its state each image has two counts:

1. `named`: commits that name it, of the one shown and the one waiting. Then it is not retired.
2. `readers`: frames under way that read it. Then it may be acquired, but not waited for.
3. A destroyed swapchain is unmapped when both counts of all its images are zero: what is on its way
   to the screen stays readable, also when the client is dead.
4. The server keeps a read-only mapping of each image, but no VMO once they are taken.

Used on one thread. Source: xrt_swapchain of Monado.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Sequence
from typing import Final, Self

from ipcrt.errors import BadState, OutOfRange, ShouldWait
from ipcrt.objects.handle import Handle, close_all
from ipcrt.objects.vmo import Vmo
from ipcrt.shm.image_states import ImageState, Step, after
from ipcrt.shm.image_vmo import UNMAPPED, checked_images, create_images, map_images
from ipcrt.shm.swapchain_info import SwapchainInfo, properties_of

_NAME: Final = "ipcrt-image"


class _Image:
    """One image; see the head of this file."""

    __slots__ = ("named", "readers", "state", "view")

    def __init__(self, view: memoryview) -> None:
        self.view = view
        self.state = ImageState.FREE
        self.named = 0
        self.readers = 0


class Swapchain:
    """The images of one swapchain and where each is; made by `allocate` or `import_images`."""

    __slots__ = (
        "_changed",
        "_destroyed",
        "_free",
        "_images",
        "_newest",
        "_unsent",
        "info",
        "mapped",
    )

    def __init__(self, info: SwapchainInfo, vmos: Sequence[Vmo], *, prefault: bool) -> None:
        """Map `vmos`, which stay the caller's if that fails. Raises: as `map_images`."""
        views = map_images(vmos, writable=False, prefault=prefault)
        self.info: Final = info
        self.mapped = True
        """False once the images are unmapped (rule 3)."""
        self._images = [_Image(view) for view in views]
        self._free = collections.deque(range(len(views)))
        self._newest: int | None = None
        self._unsent: list[Vmo] = []
        self._destroyed = False
        self._changed: list[Callable[[], object]] = []

    # ---- life

    @classmethod
    def allocate(cls, info: SwapchainInfo, image_count: int | None = None) -> Self:
        """Make the images here; `image_count` is that of `properties_of` unless told otherwise.

        Raises: OutOfRange: too many or too few images. NoResources.
        """
        count = properties_of(info).image_count if image_count is None else image_count
        vmos = create_images(info, count, _NAME)
        try:
            chain = cls(info, vmos, prefault=True)
        except BaseException:
            close_all(vmos)
            raise
        chain._unsent = vmos
        return chain

    @classmethod
    def import_images(cls, info: SwapchainInfo, handles: Sequence[Handle]) -> Self:
        """Take the images that a client has made. It owns `handles`, whatever happens.

        Pages that the client has not written to yet are not asked for: they are the client's
        memory. Raises: as `checked_images` and `map_images`.
        """
        vmos = checked_images(info, handles)
        try:
            return cls(info, vmos, prefault=False)
        finally:
            close_all(vmos)

    def take_images(self) -> list[Vmo]:
        """Answer the VMOs to send to the client, which the caller owns from here on.

        Raises: BadState: taken before, destroyed, or imported.
        """
        if not self._unsent:
            raise BadState("there are no images to take: taken before, destroyed, or imported")
        taken, self._unsent = self._unsent, []
        return taken

    def destroy(self) -> None:
        """Take it from the client; what a commit or a frame still needs stays (rule 3).

        A second time does nothing. Those who wait are told, and find BadState.
        """
        if self._destroyed:
            return
        self._destroyed = True
        unsent, self._unsent = self._unsent, []
        close_all(unsent)
        self._unmap_if_idle()
        self._tell()

    # ---- the client's steps

    def acquire(self) -> int:
        """Give the client the image that has been free for longest.

        Raises: ShouldWait: none is free. BadState: destroyed, or static and acquired before.
        """
        self._check_alive()
        if not self._free:
            if self.info.is_static:
                raise BadState("the image of a static swapchain is acquired only once")
            states = ", ".join(image.state.value for image in self._images)
            raise ShouldWait(f"no image is free: {states}")
        index = self._free.popleft()
        self._step(index, Step.ACQUIRE)
        return index

    def wait(self, index: int) -> None:
        """Let the client draw on `index`, which it has acquired.

        Raises: ShouldWait: a frame still reads it; then nothing has changed. BadState: not
        acquired, waited for already, or destroyed. OutOfRange: no such image.
        """
        self._check_alive()
        image = self._image(index)
        reached = after(image.state, Step.WAIT, index)
        if image.readers:
            raise ShouldWait(f"image {index} is read by {image.readers} frames under way")
        image.state = reached

    def release(self, index: int) -> None:
        """Take the drawn image back; layers may name it from here on.

        Raises: BadState: not waited for, or destroyed. OutOfRange: no such image.
        """
        self._check_alive()
        self._image(index)
        self._step(index, Step.RELEASE)
        older, self._newest = self._newest, index
        if older is not None:
            self._retire(older)

    # ---- the compositor's steps; `SwapchainSet` takes them

    def check_shown(self, index: int) -> None:
        """Refuse an image that no layer may name. Raises: BadState, OutOfRange."""
        self._check_alive()
        after(self._image(index).state, Step.NAME, index)

    def name(self, index: int) -> None:
        """Count one more commit that names `index`, which `check_shown` has let pass."""
        self._images[index].named += 1

    def unname(self, index: int) -> None:
        """Count one commit less."""
        self._images[index].named -= 1
        self._retire(index)
        self._unmap_if_idle()

    def latch(self, index: int) -> memoryview:
        """Count one more frame that reads `index`, which a commit names; answer all its bytes.

        Whoever keeps them longer keeps the image mapped.
        """
        image = self._images[index]
        self._step(index, Step.LATCH)
        image.readers += 1
        return image.view

    def unlatch(self, index: int) -> None:
        """Count one frame less."""
        self._images[index].readers -= 1
        self._unmap_if_idle()
        self._tell()

    # ---- waiting

    def on_change(self, call: Callable[[], object]) -> None:
        """Have `call()` called once: when an image is free or idle again, or all are gone.

        Then try again what raised ShouldWait. `call` raises nothing.
        """
        self._changed.append(call)

    def forget(self, call: Callable[[], object]) -> None:
        """Do not call `call` any more; nothing where it was called already."""
        if call in self._changed:
            self._changed.remove(call)

    # ---- looking

    @property
    def image_count(self) -> int:
        """How many images there are."""
        return len(self._images)

    @property
    def total_bytes(self) -> int:
        """What all images take."""
        return len(self._images) * self.info.image_bytes

    @property
    def newest(self) -> int | None:
        """The image released last; None before the first."""
        return self._newest

    @property
    def states(self) -> tuple[ImageState, ...]:
        """Where each image is."""
        return tuple(image.state for image in self._images)

    # ---- inside

    def _image(self, index: int) -> _Image:
        if not 0 <= index < len(self._images):
            raise OutOfRange(f"image {index} is not below {len(self._images)}")
        return self._images[index]

    def _check_alive(self) -> None:
        if self._destroyed:
            raise BadState("the swapchain is destroyed")

    def _step(self, index: int, step: Step) -> None:
        image = self._images[index]
        image.state = after(image.state, step, index)

    def _retire(self, index: int) -> None:
        """Make `index` free where rule 6 of `image_states.py` lets it be."""
        image = self._images[index]
        if image.named or index == self._newest:
            return
        self._step(index, Step.RETIRE)
        self._free.append(index)
        self._tell()

    def _unmap_if_idle(self) -> None:
        if not self._destroyed or any(image.named or image.readers for image in self._images):
            return
        self.mapped = False
        for image in self._images:
            image.view = UNMAPPED

    def _tell(self) -> None:
        calls, self._changed = self._changed, []
        for call in calls:
            call()
