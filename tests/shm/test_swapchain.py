"""One swapchain: every step in every state, against a model of its own, and what it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from ipcrt.errors import BadState, InvalidArgs, OutOfRange, ShouldWait
from ipcrt.objects.handle import close_all
from ipcrt.objects.vmo import Vmo
from ipcrt.shm.image_format import ImageFormat
from ipcrt.shm.image_states import ImageState
from ipcrt.shm.swapchain import Swapchain
from ipcrt.shm.swapchain_info import CreateFlags, SwapchainInfo
from tests.support.proc import open_fds

INFO = SwapchainInfo(16, 16, ImageFormat.RGBA8_UNORM)
STATIC = SwapchainInfo(16, 16, ImageFormat.RGBA8_UNORM, flags=CreateFlags.STATIC_IMAGE)
FREE, ACQUIRED, WAITED, RELEASED, LATCHED = ImageState


def is_mapped(chain: Swapchain) -> bool:
    """Ask anew: a checker believes that what was true stays so."""
    return chain.mapped


def mapped_images() -> int:
    """How many images this process has mapped."""
    return Path("/proc/self/maps").read_text().count("memfd:ipcrt-image")


@pytest.fixture
def chain() -> Iterator[Swapchain]:
    made = Swapchain.allocate(INFO)
    yield made
    made.destroy()
    for index, image in enumerate(made._images):
        for _ in range(image.readers):
            made.unlatch(index)
        for _ in range(image.named):
            made.unname(index)
    assert not made.mapped


def draw(chain: Swapchain) -> int:
    index = chain.acquire()
    chain.wait(index)
    chain.release(index)
    return index


def show(chain: Swapchain, index: int) -> None:
    """Commit and latch `index`, with a frame under way."""
    chain.check_shown(index)
    chain.name(index)
    chain.latch(index)


# ------------------------------------------------------------------------------------------- life


def test_it_keeps_mappings_with_a_descriptor_each() -> None:
    fds, maps = len(open_fds()), mapped_images()
    chain = Swapchain.allocate(INFO)
    assert mapped_images() == maps + 3
    close_all(chain.take_images())
    assert len(open_fds()) <= fds + 3
    assert (chain.mapped, chain.image_count, chain.total_bytes) == (True, 3, 3 * INFO.image_bytes)
    chain.destroy()
    assert not is_mapped(chain)
    assert (len(open_fds()), mapped_images()) == (fds, maps)


def test_images_that_nobody_takes_are_closed_with_it() -> None:
    fds = len(open_fds())
    chain = Swapchain.allocate(INFO, 2)
    assert len(open_fds()) >= fds + 2
    chain.destroy()
    chain.destroy()
    assert len(open_fds()) == fds


def test_images_are_taken_once(chain: Swapchain) -> None:
    close_all(chain.take_images())
    with pytest.raises(BadState, match="no images to take"):
        chain.take_images()


def test_imported_images_are_mapped_and_closed() -> None:
    fds, maps = len(open_fds()), mapped_images()
    vmos = [Vmo.create(INFO.image_bytes, "ipcrt-image") for _ in range(2)]
    chain = Swapchain.import_images(INFO, vmos)
    assert all(vmo.closed for vmo in vmos)
    assert mapped_images() == maps + 2
    with pytest.raises(BadState):
        chain.take_images()
    chain.destroy()
    assert (len(open_fds()), mapped_images()) == (fds, maps)


def test_a_bad_import_leaves_nothing() -> None:
    fds, maps = len(open_fds()), mapped_images()
    with pytest.raises(InvalidArgs):
        Swapchain.import_images(INFO, [Vmo.create(INFO.image_bytes, "ipcrt-image"), Vmo.create(1)])
    assert (len(open_fds()), mapped_images()) == (fds, maps)


def test_no_memory_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(vmo: Vmo, *, writable: bool) -> None:
        raise BadState(f"{vmo} {writable}")

    fds = len(open_fds())
    monkeypatch.setattr(Vmo, "map", fail)
    with pytest.raises(BadState):
        Swapchain.allocate(INFO)
    assert len(open_fds()) == fds


def test_what_is_shown_outlives_it(chain: Swapchain) -> None:
    maps = mapped_images()
    show(chain, draw(chain))
    view = chain.latch(0)
    chain.destroy()
    assert is_mapped(chain)
    chain.unlatch(0)
    chain.unname(0)
    assert is_mapped(chain)  # the other frame
    assert bytes(view) == bytes(INFO.image_bytes)
    del view
    chain.unlatch(0)
    assert not is_mapped(chain)
    assert mapped_images() == maps - 3


def test_a_commit_alone_keeps_it_mapped(chain: Swapchain) -> None:
    index = draw(chain)
    chain.name(index)
    chain.destroy()
    assert is_mapped(chain)
    chain.latch(index)  # what was committed is still shown
    chain.unname(index)
    chain.unlatch(index)
    assert not is_mapped(chain)


def test_views_are_read_only(chain: Swapchain) -> None:
    index = draw(chain)
    chain.name(index)
    view = chain.latch(index)
    with pytest.raises(TypeError):
        view[0] = 1


# ------------------------------------------------------------------------------------------ steps


def test_images_come_in_the_order_in_which_they_became_free(chain: Swapchain) -> None:
    assert [chain.acquire() for _ in range(3)] == [0, 1, 2]
    for index in (2, 0, 1):
        chain.wait(index)
        chain.release(index)
    # 1 is the newest; 2 was superseded first, then 0.
    assert [chain.acquire(), chain.acquire()] == [2, 0]
    assert chain.newest == 1


def test_without_a_free_image_one_waits(chain: Swapchain) -> None:
    for _ in range(3):
        chain.acquire()
    with pytest.raises(ShouldWait, match="acquired, acquired, acquired"):
        chain.acquire()
    chain.wait(0)
    chain.release(0)  # the newest: kept for the next commit
    with pytest.raises(ShouldWait, match="released, acquired, acquired"):
        chain.acquire()


def bring(chain: Swapchain, state: ImageState) -> None:
    """Bring image 0 from FREE to `state`."""
    if state is FREE:
        return
    assert chain.acquire() == 0
    if state is ACQUIRED:
        return
    chain.wait(0)
    if state is WAITED:
        return
    chain.release(0)
    if state is LATCHED:
        show(chain, 0)


STEPS: dict[str, tuple[Callable[[Swapchain], object], set[ImageState]]] = {
    "wait": (lambda chain: chain.wait(0), {ACQUIRED}),
    "release": (lambda chain: chain.release(0), {WAITED}),
    "show": (lambda chain: chain.check_shown(0), {RELEASED, LATCHED}),
}


@pytest.mark.parametrize("state", ImageState)
@pytest.mark.parametrize("name", STEPS)
def test_every_step_in_every_state(chain: Swapchain, name: str, state: ImageState) -> None:
    step, legal = STEPS[name]
    bring(chain, state)
    assert chain.states == (state, FREE, FREE)
    if state in legal:
        step(chain)
        return
    with pytest.raises(BadState, match=f"cannot {name}.* image 0: it is {state.value}"):
        step(chain)
    assert chain.states == (state, FREE, FREE)


@pytest.mark.parametrize("state", ImageState)
@pytest.mark.parametrize("step", [*(s for s, _ in STEPS.values()), Swapchain.acquire])
def test_after_the_end_every_step_is_refused(
    chain: Swapchain, step: Callable[[Swapchain], object], state: ImageState
) -> None:
    bring(chain, state)
    chain.destroy()
    with pytest.raises(BadState, match="destroyed"):
        step(chain)


@pytest.mark.parametrize("index", [-1, 3, 1 << 40])
def test_an_image_that_is_none_is_refused(chain: Swapchain, index: int) -> None:
    for step in (chain.wait, chain.release, chain.check_shown):
        with pytest.raises(OutOfRange, match=f"image {index} is not below 3"):
            step(index)


def test_a_wait_lasts_until_no_frame_reads_the_image(chain: Swapchain) -> None:
    show(chain, draw(chain))
    chain.latch(0)
    draw(chain)
    chain.unname(0)  # another commit is shown
    assert chain.acquire() == 2
    assert chain.acquire() == 0
    for frames in (2, 1):
        with pytest.raises(ShouldWait, match=f"image 0 is read by {frames} frames"):
            chain.wait(0)
        chain.unlatch(0)
    chain.wait(0)
    assert chain.states == (WAITED, RELEASED, ACQUIRED)


def test_a_static_image_is_drawn_once() -> None:
    chain = Swapchain.allocate(STATIC)
    show(chain, draw(chain))
    chain.unname(0)
    chain.unlatch(0)
    with pytest.raises(BadState, match="acquired only once"):
        chain.acquire()
    chain.check_shown(0)
    chain.destroy()


# ---------------------------------------------------------------------------------------- waiting


def test_who_waits_is_called_once_when_an_image_is_free(chain: Swapchain) -> None:
    calls: list[str] = []
    show(chain, draw(chain))
    draw(chain)
    chain.on_change(lambda: calls.append("free"))
    assert not calls
    chain.unname(0)
    assert calls == ["free"]
    chain.unlatch(0)
    assert calls == ["free"]


def test_who_waits_is_called_when_a_frame_is_over(chain: Swapchain) -> None:
    show(chain, draw(chain))
    calls: list[str] = []
    chain.on_change(lambda: calls.append("over"))
    chain.unlatch(0)
    assert calls == ["over"]


def test_who_waits_is_called_at_the_end(chain: Swapchain) -> None:
    calls: list[str] = []
    chain.on_change(lambda: calls.append("end"))
    chain.destroy()
    assert calls == ["end"]


def test_a_call_that_is_forgotten_is_not_made(chain: Swapchain) -> None:
    calls: list[str] = []

    def call() -> None:
        calls.append("called")

    chain.on_change(call)
    chain.forget(call)
    chain.forget(call)
    chain.destroy()
    assert not calls


# ------------------------------------------------------------------------------------------ model


class Model(RuleBasedStateMachine):
    """A client and a compositor that do anything in any order, and what should come of it."""

    def __init__(self) -> None:
        super().__init__()
        self.chain = Swapchain.allocate(INFO, 3)
        close_all(self.chain.take_images())
        self.queue = [0, 1, 2]
        self.acquired: set[int] = set()
        self.waited: set[int] = set()
        self.done: set[int] = set()
        self.newest: int | None = None
        self.named: list[int] = []  # newest commit last; the compositor drops from the front
        self.frames: list[int] = []

    def retire(self) -> None:
        for index in sorted(self.done):
            if index != self.newest and index not in self.named:
                self.done.remove(index)
                self.queue.append(index)

    @rule()
    def acquire(self) -> None:
        if not self.queue:
            with pytest.raises(ShouldWait):
                self.chain.acquire()
            return
        index = self.queue.pop(0)
        assert self.chain.acquire() == index
        self.acquired.add(index)

    @rule(index=st.integers(0, 2))
    def wait(self, index: int) -> None:
        if index not in self.acquired:
            with pytest.raises(BadState):
                self.chain.wait(index)
        elif index in self.frames:
            with pytest.raises(ShouldWait):
                self.chain.wait(index)
        else:
            self.chain.wait(index)
            self.acquired.remove(index)
            self.waited.add(index)

    @rule(index=st.integers(0, 2))
    def release(self, index: int) -> None:
        if index not in self.waited:
            with pytest.raises(BadState):
                self.chain.release(index)
            return
        self.chain.release(index)
        self.waited.remove(index)
        self.done.add(index)
        self.newest = index
        self.retire()

    @rule(index=st.integers(0, 2))
    def commit(self, index: int) -> None:
        if index not in self.done:
            with pytest.raises(BadState):
                self.chain.check_shown(index)
            return
        self.chain.check_shown(index)
        self.chain.name(index)
        self.named.append(index)

    @rule()
    def drop_commit(self) -> None:
        if self.named:
            index = self.named.pop(0)
            self.chain.unname(index)
            self.retire()

    @rule()
    def begin_frame(self) -> None:
        if self.named:
            self.chain.latch(self.named[-1])
            self.frames.append(self.named[-1])

    @rule(pick=st.integers(0, 9))
    def end_frame(self, pick: int) -> None:
        if self.frames:
            self.chain.unlatch(self.frames.pop(pick % len(self.frames)))

    @invariant()
    def each_image_is_where_it_should_be(self) -> None:
        for index, state in enumerate(self.chain.states):
            places = {
                FREE: index in self.queue,
                ACQUIRED: index in self.acquired,
                WAITED: index in self.waited,
                RELEASED: index in self.done,
                LATCHED: index in self.done,
            }
            assert places[state], (index, state)

    def teardown(self) -> None:
        self.chain.destroy()
        assert self.chain.mapped == bool(self.named or self.frames)
        for index in self.named:
            self.chain.unname(index)
        for index in self.frames:
            self.chain.unlatch(index)
        assert not self.chain.mapped


def test_any_order_of_steps_is_as_the_rules_say() -> None:
    limits = settings(max_examples=60, stateful_step_count=40, deadline=None, database=None)
    run_state_machine_as_test(Model, settings=limits)
