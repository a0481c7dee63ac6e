from __future__ import annotations

import gc
import mmap
import os
from collections.abc import Callable, Iterator

import pytest

from ipcrt.errors import AccessDenied, BadHandle, InvalidArgs, NoResources, OutOfRange
from ipcrt.objects.rights import Rights
from ipcrt.objects.seals import Seals
from ipcrt.shm import futex, shared_state
from ipcrt.shm.shared_state import SharedState
from ipcrt.shm.state_reader import StateReader
from tests.shm.state_scene import AT_REST, FOV, HEAD, LAYOUT, WORDS, Fov, Words
from tests.support.processes import Spawner

FORK = """
import os
from ipcrt.errors import BadState
from tests.shm.state_scene import AT_REST, HEAD, LAYOUT
from ipcrt.shm.shared_state import SharedState

with SharedState.create(LAYOUT) as state:
    state.publish(HEAD, AT_REST)
    child = os.fork()
    if child == 0:
        try:
            state.publish(HEAD, AT_REST)
        except BadState as error:
            print(error, flush=True)
        state.close()
        os._exit(0)
    os.waitpid(child, 0)
    print(state.publish(HEAD, AT_REST))
"""


@pytest.fixture
def state() -> Iterator[SharedState]:
    with SharedState.create(LAYOUT) as made:
        yield made


def test_sections_are_published_by_themselves(state: SharedState) -> None:
    assert state.publish(HEAD, AT_REST) == 1
    assert state.publish("head", AT_REST) == 2
    assert state.writer(FOV).publish(Fov(0.5, 1.5)) == 1
    assert state.statistics() == {"head": 2, "words": 0, "fov": 1, "big": 0}
    with StateReader.attach(state.share(), LAYOUT) as reader:
        assert reader.read(HEAD) == AT_REST
        assert reader.read(FOV) == Fov(0.5, 1.5)
        assert reader.version(WORDS) == 0


def test_a_reader_cannot_write(state: SharedState) -> None:
    with state.share() as vmo:
        assert vmo.seals & ~Seals.EXEC == (
            Seals.SHRINK | Seals.GROW | Seals.FUTURE_WRITE | Seals.SEAL
        )
        assert not vmo.rights & Rights.WRITE
        with pytest.raises(AccessDenied):
            vmo.map(writable=True)
        fd = os.open(f"/proc/self/fd/{vmo.fileno()}", os.O_RDWR | os.O_CLOEXEC)
        try:
            with pytest.raises(PermissionError):
                os.pwrite(fd, b"x", 0)
            with pytest.raises(PermissionError):
                mmap.mmap(fd, LAYOUT.size, mmap.MAP_SHARED, mmap.PROT_WRITE | mmap.PROT_READ)
            with pytest.raises(PermissionError):
                os.ftruncate(fd, 0)
        finally:
            os.close(fd)
        state.publish(HEAD, AT_REST)  # the writer goes on


def test_a_section_of_another_layout_is_refused(state: SharedState) -> None:
    with pytest.raises(InvalidArgs, match="layout scene has no 'foot'"):
        state.publish("foot", AT_REST)
    with pytest.raises(InvalidArgs, match="layout scene has no section eye"):
        SharedState.create(LAYOUT, quiet=["words", "eye"])


def test_quiet_sections_wake_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    woken: list[int] = []

    def waker(address: int) -> Callable[[], None]:
        return lambda: woken.append(address % mmap.PAGESIZE)

    monkeypatch.setattr(futex, "waker", waker)
    with SharedState.create(LAYOUT, quiet=["words"]) as state:
        state.publish(HEAD, AT_REST)
        state.publish(WORDS, Words((1,) * 32))
        with StateReader.attach(state.share(), LAYOUT) as reader:
            assert reader.section(WORDS).is_quiet
            assert not reader.section(HEAD).is_quiet
    assert woken == [LAYOUT.places[0].begin]


def test_a_doorbell_rings_at_each_value_of_its_section(state: SharedState) -> None:
    with state.doorbell(HEAD) as head, state.doorbell("fov") as fov:
        state.publish(HEAD, AT_REST)
        assert head.is_signaled()
        assert not fov.is_signaled()
        head.clear()
        state.writer(HEAD).publish_bytes(HEAD.shape.pack(AT_REST))
        assert head.is_signaled()
    state.close()
    with pytest.raises(BadHandle):
        state.writer(HEAD).doorbell()


@pytest.mark.parametrize("checked", [False, True])
def test_the_machine_decides_where_nobody_does(
    monkeypatch: pytest.MonkeyPatch, *, checked: bool
) -> None:
    monkeypatch.setattr(shared_state, "needs_checksum", lambda: checked)
    with SharedState.create(LAYOUT) as state:
        assert state.checked is checked
    with SharedState.create(LAYOUT, checked=True) as state:
        assert state.checked


def test_a_closed_one_says_so(state: SharedState) -> None:
    writer = state.writer(HEAD)
    reader = StateReader.attach(state.share(), LAYOUT)
    state.publish(HEAD, AT_REST)
    state.close()
    state.close()
    assert state.closed
    with pytest.raises(BadHandle):
        writer.publish(AT_REST)
    with pytest.raises(BadHandle):
        state.share()
    with reader:
        assert reader.read(HEAD) == AT_REST, "readers keep what was published last"
        assert not reader.writer_alive


def test_a_failed_creation_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(fd: int) -> None:
        raise NoResources(f"no lock for {fd}")

    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(OutOfRange):
        SharedState.create(LAYOUT, name="x" * 300)
    monkeypatch.setattr(shared_state, "WriterLock", fail)
    with pytest.raises(NoResources):
        SharedState.create(LAYOUT)
    gc.collect()
    assert set(os.listdir("/proc/self/fd")) == before


def test_its_name_shows() -> None:
    with SharedState.create(LAYOUT, name="head tracking") as state, state.share() as vmo:
        assert "head tracking" in os.readlink(f"/proc/self/fd/{vmo.fileno()}")
        assert "scene" in repr(state)
    assert "closed" in repr(state)


def test_a_forked_child_is_no_writer(spawn_python: Spawner) -> None:
    child = spawn_python(FORK)
    assert child.line() == "a forked child cannot publish its parent's state"
    assert child.line() == "2"
    child.finish()
