"""SwapchainSet: all swapchains of one client, and what it wants shown.

    mine = SwapchainSet()                               one for each client's channel
    number, images = mine.create(info)                  send both; NoResources: over a limit
    number = mine.import_images(info, handles)          owns the handles
    index = mine.acquire(number)
    mine.wait(number, index); mine.release(number, index); mine.destroy(number)
    mine.commit([Layer(number, index)], frame_id)       all or nothing
    with mine.latch() as frame: ...frame.layers[0].pixels()     the compositor's
    mine.close()                                        the client is gone

1. A client reaches only its own set, and ids are looked up there: it cannot name another's. An id
   is never used again.
2. Memory counts against the limits until it is unmapped, also what is destroyed and still shown.
3. `commit` replaces what waits to be shown; `latch` makes it what is shown. See `swapchain_layers`.
4. `close` gives everything back; what a frame reads, when the frame is closed.

Used on one thread. Source: ipc_client_state of Monado.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from ipcrt.errors import BadState, NoResources, NotFound, OutOfRange
from ipcrt.objects.handle import Handle, close_all
from ipcrt.objects.vmo import Vmo
from ipcrt.shm.swapchain import Swapchain
from ipcrt.shm.swapchain_info import SwapchainInfo, properties_of
from ipcrt.shm.swapchain_layers import Commit, Frame, Layer, check_layer


@dataclass(frozen=True, slots=True)
class SwapchainLimits:
    """What one client may have; a security limit."""

    swapchains: int = 32
    images: int = 128
    """Of all swapchains; each costs a mapping here, of which a process has 65,530 in all."""
    total_bytes: int = 512 << 20
    """Of all images, by their size: a client may fill them at any moment."""
    layers: int = 16
    """In one commit."""


_USUAL = SwapchainLimits()


class SwapchainSet:
    """One client's swapchains, by id, within limits."""

    __slots__ = ("_chains", "_closed", "_leaving", "_limits", "_next", "_shown", "_waiting")

    def __init__(self, limits: SwapchainLimits = _USUAL) -> None:
        self._limits = limits
        self._chains: dict[int, Swapchain] = {}
        self._leaving: list[Swapchain] = []
        self._next = 1
        self._shown: Commit | None = None
        self._waiting: Commit | None = None
        self._closed = False

    # ---- making and destroying

    def create(self, info: SwapchainInfo) -> tuple[int, list[Vmo]]:
        """Make a swapchain: its id, and its images, which the caller owns and sends.

        Raises: NoResources: a limit, or no memory.
        """
        self._check_room(info, properties_of(info).image_count)
        chain = Swapchain.allocate(info)
        return self._add(chain), chain.take_images()

    def import_images(self, info: SwapchainInfo, handles: Sequence[Handle]) -> int:
        """Take a swapchain that the client has allocated; answer its id.

        It owns `handles`, whatever happens. Raises: NoResources: a limit; and what
        `Swapchain.import_images` raises.
        """
        try:
            self._check_room(info, len(handles))
        except BaseException:
            close_all(handles)
            raise
        return self._add(Swapchain.import_images(info, handles))

    def destroy(self, swapchain: int) -> None:
        """Take the swapchain away; what is shown of it stays until the next commit.

        Raises: NotFound.
        """
        chain = self.get(swapchain)
        del self._chains[swapchain]
        chain.destroy()
        if chain.mapped:
            self._leaving.append(chain)

    def get(self, swapchain: int) -> Swapchain:
        """Answer the swapchain with this id, which stays the set's.

        Raises: NotFound: none of this client's. BadState: the set is closed.
        """
        self._check_open()
        chain = self._chains.get(swapchain)
        if chain is None:
            raise NotFound(f"this client has no swapchain {swapchain}")
        return chain

    # ---- the client's steps

    def acquire(self, swapchain: int) -> int:
        """As `Swapchain.acquire`; NotFound."""
        return self.get(swapchain).acquire()

    def wait(self, swapchain: int, index: int) -> None:
        """As `Swapchain.wait`; NotFound."""
        self.get(swapchain).wait(index)

    def release(self, swapchain: int, index: int) -> None:
        """As `Swapchain.release`; NotFound."""
        self.get(swapchain).release(index)

    def commit(self, layers: Sequence[Layer], frame_id: int = 0) -> None:
        """Have `layers` shown from the next frame on, instead of what was wanted before.

        On error nothing has changed. Raises: OutOfRange: too many layers; NotFound; and what
        `check_layer` raises.
        """
        self._check_open()
        if len(layers) > self._limits.layers:
            raise OutOfRange(f"{len(layers)} layers exceed {self._limits.layers}")
        checked = [(layer, self.get(layer.swapchain)) for layer in layers]
        for layer, chain in checked:
            check_layer(layer, chain)
        replaced, self._waiting = self._waiting, Commit(checked, frame_id)
        if replaced is not None:
            replaced.drop()

    # ---- the compositor's

    def latch(self) -> Frame:
        """Answer what the next frame shows: the newest commit. The caller closes the frame.

        Without a new commit, what was shown before; nothing at all once the set is closed.
        """
        if self._waiting is not None:
            replaced, self._shown = self._shown, self._waiting
            self._waiting = None
            if replaced is not None:
                replaced.drop()
        return Frame(self._shown)

    # ---- life

    def close(self) -> None:
        """Give everything back (rule 4); a second close does nothing."""
        if self._closed:
            return
        for number in list(self._chains):
            self.destroy(number)
        self._closed = True
        commits = (self._shown, self._waiting)
        self._shown = self._waiting = None
        for commit in commits:
            if commit is not None:
                commit.drop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def statistics(self) -> dict[str, int]:
        """Count what this client has."""
        chains = [*self._chains.values(), *self._live_leaving()]
        return {
            "swapchains": len(self._chains),
            "images": sum(chain.image_count for chain in chains),
            "bytes": sum(chain.total_bytes for chain in chains),
            "leaving": len(self._leaving),
        }

    # ---- inside

    def _add(self, chain: Swapchain) -> int:
        number = self._next
        self._next += 1
        self._chains[number] = chain
        return number

    def _check_open(self) -> None:
        if self._closed:
            raise BadState("the client's swapchains are closed")

    def _check_room(self, info: SwapchainInfo, images: int) -> None:
        self._check_open()
        held = [*self._chains.values(), *self._live_leaving()]  # rule 2
        limits = self._limits
        if len(held) >= limits.swapchains:
            raise NoResources(f"{len(held)} swapchains are the limit of {limits.swapchains}")
        count = sum(chain.image_count for chain in held) + images
        if count > limits.images:
            raise NoResources(f"{count} images exceed {limits.images} for one client")
        total = sum(chain.total_bytes for chain in held) + images * info.image_bytes
        if total > limits.total_bytes:
            raise NoResources(f"images of {total} bytes exceed {limits.total_bytes} for one client")

    def _live_leaving(self) -> list[Swapchain]:
        self._leaving = [chain for chain in self._leaving if chain.mapped]
        return self._leaving
