"""One client's swapchains: limits, commits, and what is left when the client dies at any point."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ipcrt.errors import BadState, InvalidArgs, IpcError, NoResources, NotFound, OutOfRange
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import close_all
from ipcrt.objects.vmo import Vmo
from ipcrt.port.signals import Signals
from ipcrt.port.waiting import wait_one
from ipcrt.shm.image_format import ImageFormat
from ipcrt.shm.image_states import ImageState
from ipcrt.shm.swapchain_info import SwapchainInfo
from ipcrt.shm.swapchain_layers import Frame, Layer, Rect
from ipcrt.shm.swapchain_set import SwapchainLimits, SwapchainSet
from tests.support.proc import open_fds
from tests.support.processes import Spawner

INFO = SwapchainInfo(16, 16, ImageFormat.RGBA8_UNORM)


def mapped_images() -> int:
    return Path("/proc/self/maps").read_text().count("memfd:ipcrt-image")


@pytest.fixture
def mine() -> Iterator[SwapchainSet]:
    with SwapchainSet() as made:
        yield made


def create(mine: SwapchainSet, info: SwapchainInfo = INFO) -> int:
    number, images = mine.create(info)
    close_all(images)
    return number


def draw(mine: SwapchainSet, number: int) -> int:
    index = mine.acquire(number)
    mine.wait(number, index)
    mine.release(number, index)
    return index


def images(count: int, size: int = INFO.image_bytes) -> list[Vmo]:
    return [Vmo.create(size, "ipcrt-image") for _ in range(count)]


# -------------------------------------------------------------------------------------- ids, limits


def test_ids_are_never_used_again(mine: SwapchainSet) -> None:
    first = create(mine)
    mine.destroy(first)
    assert create(mine) > first
    for step in (mine.get, mine.acquire, mine.destroy):
        with pytest.raises(NotFound, match=f"this client has no swapchain {first}"):
            step(first)


def test_a_client_cannot_touch_anothers(mine: SwapchainSet) -> None:
    with SwapchainSet() as other:
        theirs = [create(other), create(other)][1]
        index = other.acquire(theirs)
        other.wait(theirs, index)
        create(mine)
        layer = Layer(theirs, index)
        steps: list[Callable[[], object]] = [
            lambda: mine.acquire(theirs),
            lambda: mine.wait(theirs, index),
            lambda: mine.release(theirs, index),
            lambda: mine.destroy(theirs),
            lambda: mine.commit([layer]),
        ]
        for step in steps:
            with pytest.raises(NotFound):
                step()
        other.release(theirs, index)
        with pytest.raises(NotFound):
            mine.commit([layer])
        other.commit([layer])


def test_a_million_swapchains_end_at_the_limit() -> None:
    fds, maps = len(open_fds()), mapped_images()
    with SwapchainSet(SwapchainLimits(swapchains=5)) as mine:
        for _ in range(5):
            create(mine)
        for _ in range(20):
            with pytest.raises(NoResources, match="5 swapchains are the limit of 5"):
                mine.create(INFO)
            given = images(2)
            with pytest.raises(NoResources, match="the limit of 5"):
                mine.import_images(INFO, given)
            assert all(vmo.closed for vmo in given)
        assert mapped_images() == maps + 15
        with SwapchainSet(SwapchainLimits(swapchains=1)) as other:  # has limits of its own
            create(other)
    assert (len(open_fds()), mapped_images()) == (fds, maps)


def test_images_and_bytes_are_limited() -> None:
    with SwapchainSet(SwapchainLimits(images=5)) as mine:
        create(mine)
        with pytest.raises(NoResources, match="6 images exceed 5"):
            mine.create(INFO)
        mine.import_images(INFO, images(2))
    with SwapchainSet(SwapchainLimits(total_bytes=5 * INFO.image_bytes)) as mine:
        create(mine)
        with pytest.raises(NoResources, match=f"{6 * INFO.image_bytes} bytes exceed"):
            mine.create(INFO)
        mine.import_images(INFO, images(2))
        mine.destroy(1)
        create(mine)


def test_what_is_destroyed_and_still_shown_counts() -> None:
    with SwapchainSet(SwapchainLimits(swapchains=1)) as mine:
        number = create(mine)
        mine.commit([Layer(number, draw(mine, number))])
        frame = mine.latch()
        mine.destroy(number)
        assert mine.statistics() == {
            "swapchains": 0,
            "images": 3,
            "bytes": 3 * INFO.image_bytes,
            "leaving": 1,
        }
        mine.commit([])
        mine.latch().close()
        with pytest.raises(NoResources):
            mine.create(INFO)
        frame.close()
        create(mine)


def test_a_bad_import_harms_nobody(mine: SwapchainSet) -> None:
    number = create(mine)
    fds, maps = len(open_fds()), mapped_images()
    with pytest.raises(InvalidArgs):
        mine.import_images(INFO, images(3, 1))
    assert (len(open_fds()), mapped_images()) == (fds, maps)
    assert mine.statistics()["swapchains"] == 1
    draw(mine, number)


# ----------------------------------------------------------------------------------------- commits


def shown(frame: Frame) -> list[tuple[int, int]]:
    return [(each.layer.swapchain, each.layer.image) for each in frame.layers]


def test_a_commit_is_shown_until_the_next(mine: SwapchainSet) -> None:
    number = create(mine)
    with mine.latch() as frame:
        assert (shown(frame), frame.frame_id) == ([], None)
    mine.commit([Layer(number, draw(mine, number))], 5)
    for _ in range(3):
        with mine.latch() as frame:
            assert (shown(frame), frame.frame_id) == ([(number, 0)], 5)
    mine.commit([Layer(number, draw(mine, number))], 6)
    with mine.latch() as frame:
        assert (shown(frame), frame.frame_id) == ([(number, 1)], 6)
    mine.commit([], 7)
    with mine.latch() as frame:
        assert (shown(frame), frame.frame_id) == ([], 7)


def test_of_two_commits_before_a_frame_the_newer_is_shown(mine: SwapchainSet) -> None:
    number = create(mine)
    mine.commit([Layer(number, draw(mine, number))])
    mine.commit([Layer(number, draw(mine, number))])
    free = ImageState.FREE
    assert mine.get(number).states == (free, ImageState.RELEASED, free)
    with mine.latch() as frame:
        assert shown(frame) == [(number, 1)]


BAD: list[tuple[Callable[[int], Layer], type[IpcError]]] = [
    (lambda number: Layer(number, 1), BadState),
    (lambda number: Layer(number, 9), OutOfRange),
    (lambda number: Layer(number + 1, 0), NotFound),
    (lambda number: Layer(number, 0, rect=Rect(0, 0, 99, 1)), OutOfRange),
    (lambda number: Layer(number, 0, size=(0.0, 0.0)), InvalidArgs),
]


@pytest.mark.parametrize("bad, error", BAD)
def test_half_a_commit_is_never_seen(
    mine: SwapchainSet, bad: Callable[[int], Layer], error: type[IpcError]
) -> None:
    number = create(mine)
    index = draw(mine, number)
    mine.commit([Layer(number, index)], 1)
    mine.latch().close()
    before = mine.get(number).states
    for wrong in ([bad(number)], [Layer(number, index), bad(number)]):
        with pytest.raises(error):
            mine.commit(wrong, 2)
    with mine.latch() as frame:
        assert (shown(frame), frame.frame_id) == ([(number, index)], 1)
    assert mine.get(number).states == before
    newer = draw(mine, number)  # and nothing is held by what was refused
    mine.commit([Layer(number, newer)], 3)
    mine.latch().close()
    assert mine.get(number).states[index] is ImageState.FREE


def test_too_many_layers_are_refused(mine: SwapchainSet) -> None:
    number = create(mine)
    layers = [Layer(number, draw(mine, number))] * 17
    with pytest.raises(OutOfRange, match="17 layers exceed 16"):
        mine.commit(layers)
    mine.commit(layers[1:])


def test_the_older_frame_still_reads_what_it_began_with(mine: SwapchainSet) -> None:
    """A compositor closes a frame after the next one is latched."""
    number = create(mine)
    previous = mine.latch()
    for turn in range(12):
        index = draw(mine, number)
        assert index == turn % 3
        mine.commit([Layer(number, index)], turn)
        frame = mine.latch()
        previous.close()
        previous = frame
    previous.close()


def test_a_destroyed_swapchain_is_shown_until_the_next_commit(mine: SwapchainSet) -> None:
    number = create(mine)
    mine.commit([Layer(number, draw(mine, number))])
    mine.destroy(number)
    for _ in range(2):
        with mine.latch() as frame:
            assert shown(frame) == [(number, 0)]
    mine.commit([])
    mine.latch().close()
    assert mine.statistics()["bytes"] == 0


# --------------------------------------------------------------------------------------------- life


def test_after_the_end_there_is_nothing() -> None:
    mine = SwapchainSet()
    number = create(mine)
    mine.commit([Layer(number, draw(mine, number))])
    mine.close()
    mine.close()
    with mine.latch() as frame:
        assert (shown(frame), frame.frame_id) == ([], None)
    given = images(2)
    steps: list[Callable[[], object]] = [
        lambda: mine.create(INFO),
        lambda: mine.import_images(INFO, given),
        lambda: mine.commit([]),
        lambda: mine.acquire(number),
    ]
    for step in steps:
        with pytest.raises(BadState, match="closed"):
            step()
    assert all(vmo.closed for vmo in given)


CLIENT = """
import sys
from ipcrt.objects.channel import Channel
from ipcrt.port.waiting import wait_one
from ipcrt.port.signals import Signals
from ipcrt.shm.image_format import ImageFormat
from ipcrt.shm.swapchain_client import ClientSwapchain
from ipcrt.shm.swapchain_info import SwapchainInfo

end = Channel(int(sys.argv[1]))
info = SwapchainInfo(16, 16, ImageFormat.RGBA8_UNORM)
if sys.argv[2] == "allocate":
    mine = ClientSwapchain.allocate(info)
    end.write(b"images", mine.take_images())
else:
    wait_one(end, Signals.READABLE)
    mine = ClientSwapchain.attach(info, end.read().handles)
for line in sys.stdin:
    index, value = map(int, line.split())
    mine.image(index)[:] = bytes([value]) * info.image_bytes
    print("drawn")
"""


class Client:
    """A process that draws, and the server's side of it."""

    def __init__(self, spawn: Spawner, how: str) -> None:
        self.set = SwapchainSet()
        self.end, theirs = Channel.create()
        with theirs:
            fd = theirs.fileno()
            self.child = spawn(CLIENT, fd, how, pass_fds=[fd])
        if how == "allocate":
            wait_one(self.end, Signals.READABLE, 20)
            self.number = self.set.import_images(INFO, self.end.read().handles)
        else:
            self.number, made = self.set.create(INFO)
            self.end.write(b"images", made)

    def draw(self, index: int, value: int) -> None:
        self.child.send(f"{index} {value}")
        assert self.child.line() == "drawn"

    def show(self, value: int) -> None:
        """Draw one picture, and commit it."""
        index = self.set.acquire(self.number)
        self.set.wait(self.number, index)
        self.draw(index, value)
        self.set.release(self.number, index)
        self.set.commit([Layer(self.number, index)], value)

    def seen(self) -> int:
        """The value that all pixels of the next frame have."""
        with self.set.latch() as frame:
            (value,) = set(frame.layers[0].pixels().flat)
            return int(value)

    def kill(self) -> None:
        self.child.kill()
        wait_one(self.end, Signals.PEER_CLOSED, 20)
        self.end.close()


@pytest.mark.parametrize(
    "state, how",
    [
        ("free", "attach"),
        ("acquired", "allocate"),
        ("waited", "attach"),
        ("waited", "allocate"),
        ("released", "attach"),
        ("committed", "allocate"),
        ("shown", "attach"),
        ("shown", "allocate"),
    ],
)
def test_a_client_that_is_killed_gives_its_images_back(
    spawn_python: Spawner, state: str, how: str
) -> None:
    fds, maps = len(open_fds()), mapped_images()
    other, victim = Client(spawn_python, "attach"), Client(spawn_python, how)
    other.show(7)
    victim.show(3)
    assert victim.seen() == 3
    frame = victim.set.latch() if state == "shown" else None
    steps = ["acquired", "waited", "released", "committed"]
    if state in steps:
        index = victim.set.acquire(victim.number)
        done = steps.index(state)
        if done >= 1:
            victim.set.wait(victim.number, index)
            victim.draw(index, 4)
        if done >= 2:
            victim.set.release(victim.number, index)
        if done >= 3:
            victim.set.commit([Layer(victim.number, index)])
    victim.kill()
    victim.set.close()
    with victim.set.latch() as after:
        assert not after.layers
    if frame is not None:
        assert mapped_images() == maps + 6
        assert (frame.layers[0].pixels() == 3).all()
        frame.close()
    assert mapped_images() == maps + 3
    assert other.seen() == 7
    other.show(8)
    assert other.seen() == 8
    other.kill()
    other.set.close()
    ours = [fd for fd, target in open_fds().items() if "memfd:ipcrt-image" in target]
    assert not ours
    assert mapped_images() == maps
    spawn_python.close()
    assert len(open_fds()) == fds


@pytest.mark.slow
def test_twenty_clients_are_killed_at_any_moment(spawn_python: Spawner) -> None:
    """Each draws as fast as it can, and dies after some of its pictures, anywhere in the next."""
    fds, maps = len(open_fds()), mapped_images()
    chance = random.Random(20)
    with SwapchainSet() as bystander:
        number = create(bystander)
        bystander.commit([Layer(number, draw(bystander, number))], 1)
        for turn in range(20):
            client = Client(spawn_python, chance.choice(["attach", "allocate"]))
            for value in range(1, chance.randrange(1, 20)):
                client.show(value)
                assert client.seen() == value
            frame = client.set.latch()
            for _ in range(chance.randrange(4)):
                client.child.send(f"{chance.randrange(3)} 99")
            client.kill()
            client.set.close()
            frame.close()
            spawn_python.close()
            assert mapped_images() == maps + 3, turn
        with bystander.latch() as frame:
            assert frame.frame_id == 1
    assert (len(open_fds()), mapped_images()) == (fds, maps)


def test_the_pages_example_runs() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "swapchain.md"
    (source,) = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    maps = mapped_images()
    exec(compile(source, str(page), "exec"), {})  # noqa: S102
    assert mapped_images() == maps
