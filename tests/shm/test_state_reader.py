from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import anyio
import pytest

from ipcrt.errors import (
    BadHandle,
    BadState,
    InvalidArgs,
    IpcError,
    NotSupported,
    PeerClosed,
    ProtocolError,
    TimedOut,
)
from ipcrt.objects.channel import Channel
from ipcrt.objects.rights import Rights
from ipcrt.objects.seals import Seals
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import open_port
from ipcrt.port.executor import open_executor
from ipcrt.shm import state_reader
from ipcrt.shm.layout import Layout
from ipcrt.shm.shared_state import SharedState
from ipcrt.shm.state_format import Flags, write_header
from ipcrt.shm.state_reader import StateReader
from tests.shm.state_scene import (
    AT_10_KHZ,
    AT_REST,
    BIG,
    FOV,
    HEAD,
    IN_THE_MIDDLE,
    LAYOUT,
    WORDS,
    Fov,
    Words,
    no_sleep,
    start_writer,
)
from tests.support.processes import Spawner

# The kernel kills the child at any system call but write.
SECCOMP = """
import ctypes, gc, os, platform, struct, sys
from ipcrt.objects.vmo import Vmo
from ipcrt.shm.state_reader import StateReader
from tests.shm.state_scene import LAYOUT, WORDS

reader = StateReader.attach(Vmo(int(sys.argv[1])), LAYOUT)
section = reader.section(WORDS)
numpy = sys.argv[2] == "numpy"

def read(rounds):
    for _ in range(rounds):
        reader.snapshot(WORDS)
        section.read()
        version, view = section.view()
        if numpy:
            section.array()[1]["words"][3]
        assert view[0] == 5 and section.is_whole(version)

read(100)
gc.disable()
write = 1 if platform.machine() == "x86_64" else 64
program = b"".join(struct.pack("@HBBI", *step) for step in (
    (0x20, 0, 0, 0),  # load the system call's number
    (0x15, 0, 1, write),
    (0x06, 0, 0, 0x7FFF0000),  # SECCOMP_RET_ALLOW
    (0x06, 0, 0, 0x80000000),  # SECCOMP_RET_KILL_PROCESS
))
steps = ctypes.create_string_buffer(program)
whole = struct.pack("@HxxxxxxQ", 4, ctypes.addressof(steps))
prctl = ctypes.CDLL(None).prctl
assert prctl(38, 1, 0, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS
assert prctl(22, 2, whole, 0, 0) == 0  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
read(2000)
if sys.argv[2] == "ask":
    reader.writer_alive
os.write(1, b"done\\n")
"""


@pytest.fixture
def state() -> Iterator[SharedState]:
    with SharedState.create(LAYOUT) as made:
        yield made


@pytest.fixture
def reader(state: SharedState) -> Iterator[StateReader]:
    with StateReader.attach(state.share(), LAYOUT) as made:
        yield made


def _words(number: int) -> Words:
    return Words((number,) * 32)


def _is_alive(reader: StateReader) -> bool:
    return reader.writer_alive


# ---- attaching


def _make(
    size: int = LAYOUT.size,
    seals: Seals = Seals.SHRINK | Seals.FUTURE_WRITE,
    change: Callable[[memoryview], object] = lambda _: None,
    layout: Layout = LAYOUT,
) -> Vmo:
    vmo = Vmo.create(size)
    header = bytearray(64)
    write_header(memoryview(header), layout, Flags.NONE)
    change(memoryview(header))
    vmo.write(0, bytes(header)[:size])
    vmo.seal(seals)
    return vmo


def _flip(at: int) -> Callable[[memoryview], object]:
    def change(header: memoryview) -> None:
        header[at] ^= 0xFF

    return change


@pytest.mark.parametrize(
    "make, error, match",
    [
        (lambda: _make(seals=Seals.NONE), BadState, "not sealed"),
        (lambda: _make(seals=Seals.SHRINK), BadState, "FUTURE_WRITE"),
        (lambda: _make(seals=Seals.FUTURE_WRITE), BadState, "SHRINK"),
        (lambda: _make(size=0), ProtocolError, "0 bytes are not the"),
        (lambda: _make(size=63), ProtocolError, "63 bytes are not the"),
        (lambda: _make(size=LAYOUT.size - 1), ProtocolError, "bytes are not the"),
        (lambda: _make(size=1 << 40), ProtocolError, "1099511627776 bytes are not the"),
        (lambda: _make(change=_flip(0)), ProtocolError, "magic"),
        (lambda: _make(change=_flip(8)), NotSupported, "version"),
        (lambda: _make(change=_flip(20)), ProtocolError, "layout hash"),
        (lambda: _make(change=_flip(31)), ProtocolError, "size"),
        (
            lambda: _make(layout=Layout("scene", (HEAD, FOV, WORDS, BIG))),
            ProtocolError,
            "layout hash",
        ),
    ],
)
def test_what_is_no_state_of_ours_is_refused_and_closed(
    make: Callable[[], Vmo], error: type[IpcError], match: str
) -> None:
    vmo = make()
    with pytest.raises(error, match=match):
        StateReader.attach(vmo, LAYOUT)
    assert vmo.closed


def test_what_is_no_memory_is_refused() -> None:
    first, second = os.pipe2(os.O_CLOEXEC)
    try:
        with pytest.raises(IpcError):
            StateReader.attach(Vmo(first), LAYOUT)
    finally:
        os.close(second)
    fd = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
    with pytest.raises(IpcError):
        StateReader.attach(Vmo(fd), LAYOUT)
    with Vmo.create(64) as closed:
        pass
    with pytest.raises(BadHandle):
        StateReader.attach(closed, LAYOUT)


def test_a_handle_as_it_came_in_a_message_will_do(state: SharedState) -> None:
    state.publish(HEAD, AT_REST)
    ours, theirs = Channel.create()
    with ours, theirs:
        ours.write(b"state", [state.share()])
        [handle] = theirs.read().handles
    with StateReader.attach(handle, LAYOUT) as reader:
        assert reader.read(HEAD) == AT_REST
    assert handle.closed


def test_memory_full_of_nonsense_harms_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", no_sleep)
    vmo = Vmo.create(LAYOUT.size)
    header = bytearray(LAYOUT.size)
    header[64:] = os.urandom(LAYOUT.size - 64)
    write_header(memoryview(header), LAYOUT, Flags.CHECKED)
    vmo.write(0, bytes(header))
    vmo.seal(Seals.SHRINK | Seals.FUTURE_WRITE)
    with StateReader.attach(vmo, LAYOUT) as reader:
        for section in LAYOUT.sections:
            with pytest.raises(BadState):
                reader.read(section)
            assert reader.wait(section, 0, 0) > 0
        assert not reader.writer_alive


def test_a_writer_that_takes_this_for_another_machine_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(state_reader, "needs_checksum", lambda: True)
    with SharedState.create(LAYOUT) as state, pytest.raises(NotSupported, match="no checksum"):
        StateReader.attach(state.share(), LAYOUT)
    with (
        SharedState.create(LAYOUT, checked=True) as state,
        StateReader.attach(state.share(), LAYOUT) as reader,
    ):
        state.publish(HEAD, AT_REST)
        assert reader.read(HEAD) == AT_REST


def test_another_readers_section_is_refused(reader: StateReader) -> None:
    with pytest.raises(InvalidArgs, match="layout scene has no 'foot'"):
        reader.read("foot")


# ---- reading


@pytest.mark.parametrize("checked", [False, True])
def test_both_ends_agree(*, checked: bool) -> None:
    with (
        SharedState.create(LAYOUT, checked=checked) as state,
        StateReader.attach(state.share(), LAYOUT) as reader,
    ):
        for number in range(1, 10):
            state.publish(WORDS, _words(number))
            state.publish("fov", Fov(number, -number))
            assert reader.read(WORDS) == reader.read("words") == _words(number)
            assert reader.snapshot(FOV) == FOV.shape.pack(Fov(number, -number))
            assert reader.version(FOV) == number
            version, view = reader.view(FOV)
            assert bytes(view) == reader.snapshot("fov")
            assert reader.is_whole(FOV, version)


def test_a_layout_that_was_declared_twice_is_the_same(state: SharedState) -> None:
    again = Layout("scene", LAYOUT.sections)
    state.publish(HEAD, AT_REST)
    with StateReader.attach(state.share(), again) as reader:
        assert reader.read(HEAD) == AT_REST


@pytest.mark.parametrize("how", ["plain", "numpy"])
@pytest.mark.parametrize("checked", [False, True])
def test_reading_makes_no_system_call(spawn_python: Spawner, how: str, *, checked: bool) -> None:
    if how == "numpy":
        pytest.importorskip("numpy")
    with SharedState.create(LAYOUT, checked=checked) as state, state.share() as vmo:
        state.publish(WORDS, _words(5))
        child = spawn_python(SECCOMP, vmo.fileno(), how, pass_fds=[vmo.fileno()])
        assert child.line() == "done"
        child.wait()


def test_a_system_call_would_have_been_noticed(spawn_python: Spawner) -> None:
    with SharedState.create(LAYOUT) as state, state.share() as vmo:
        state.publish(WORDS, _words(5))
        child = spawn_python(SECCOMP, vmo.fileno(), "ask", pass_fds=[vmo.fileno()])
        assert child.line() == ""
        assert child.wait() < 0


def _read_against_a_writer(spawn_python: Spawner, reads: int, *, checked: bool) -> None:
    """Read at least so often, and as long as it takes to see 300 values come."""
    child, vmo = start_writer(spawn_python, AT_10_KHZ, checked=checked)
    with StateReader.attach(vmo, LAYOUT) as reader:
        words, big = reader.section(WORDS), reader.section(BIG)
        reader.wait(BIG, 0, 20.0)
        torn = count = 0
        until = words.version + 300
        while count < reads or words.version < until:
            for _ in range(10):
                data = words.snapshot()
                torn += data[:8] * 32 != data
            data = big.snapshot()
            torn += data[:8] * 2048 != data
            count += 10
        output = child.finish()
    assert torn == 0
    published, seconds = map(float, output.split())
    print(f"{published / seconds:.0f} values a second")


@pytest.mark.parametrize("checked", [False, True])
def test_no_copy_is_torn(spawn_python: Spawner, *, checked: bool) -> None:
    _read_against_a_writer(spawn_python, 20_000, checked=checked)


@pytest.mark.slow
@pytest.mark.parametrize("checked", [False, True])
def test_no_copy_of_a_million_is_torn(spawn_python: Spawner, *, checked: bool) -> None:
    _read_against_a_writer(spawn_python, 1_000_000, checked=checked)


# ---- waiting


@pytest.mark.parametrize("quiet", [(), ("head",)])
def test_a_wait_ends_with_the_next_value(quiet: tuple[str, ...]) -> None:
    with (
        SharedState.create(LAYOUT, quiet=quiet) as state,
        StateReader.attach(state.share(), LAYOUT) as reader,
    ):
        for number in range(5):
            publisher = threading.Timer(0.005, state.publish, (HEAD, AT_REST))
            publisher.start()
            assert reader.wait(HEAD, number, 20.0) == number + 1
            publisher.join()


def test_a_futex_wakes_by_itself(
    state: SharedState, reader: StateReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_reader, "_LOOK_S", 1000.0)
    publisher = threading.Timer(0.02, state.publish, (HEAD, AT_REST))
    publisher.start()
    assert reader.wait(HEAD, 0) == 1  # a deadline would look, too
    publisher.join()


def test_a_wait_without_a_number_is_for_what_is_not_there_yet(
    state: SharedState, reader: StateReader
) -> None:
    state.publish(HEAD, AT_REST)
    publisher = threading.Timer(0.02, state.publish, (HEAD, AT_REST))
    publisher.start()
    assert reader.wait(HEAD, timeout=20.0) == 2
    publisher.join()


@pytest.mark.anyio
async def test_a_wait_would_stop_an_event_loop(state: SharedState, reader: StateReader) -> None:
    state.publish(HEAD, AT_REST)
    begin = time.monotonic()
    with pytest.raises(BadState, match="await the async twin"):
        reader.wait(HEAD, timeout=0.5)
    assert time.monotonic() - begin < 0.5
    with pytest.raises(TimedOut):
        reader.wait(HEAD, timeout=0)
    assert reader.wait(HEAD, 0) == 1  # does not have to wait


@pytest.mark.anyio
@pytest.mark.parametrize("quiet", [(), ("head",)])
async def test_a_wait_in_a_thread_may_be_cancelled(quiet: tuple[str, ...]) -> None:
    with (
        SharedState.create(LAYOUT, quiet=quiet) as state,
        StateReader.attach(state.share(), LAYOUT) as reader,
    ):
        async with open_port() as port, open_executor(port) as executor:
            begin = time.monotonic()
            with anyio.move_on_after(0.02) as scope:
                await executor.call_blocking(reader.wait, HEAD, None, 5.0)
            assert scope.cancelled_caught
            assert time.monotonic() - begin < 4.0


def test_a_wait_for_what_is_there_returns_at_once(state: SharedState, reader: StateReader) -> None:
    state.publish(HEAD, AT_REST)
    state.publish(HEAD, AT_REST)
    assert reader.wait(HEAD, 0, 0) == 2
    assert reader.wait("head", 1) == 2


@pytest.mark.parametrize("timeout", [0, 0.02, 0.15])
def test_a_wait_has_a_deadline(state: SharedState, reader: StateReader, timeout: float) -> None:
    state.publish(FOV, Fov(1, 2))
    begin = time.monotonic()
    with pytest.raises(TimedOut, match=f"no newer head within {timeout} seconds"):
        reader.wait(HEAD, timeout=timeout)
    assert time.monotonic() - begin >= timeout


def test_a_wait_is_over_when_the_reader_is_closed(state: SharedState) -> None:
    reader = StateReader.attach(state.share(), LAYOUT)
    closer = threading.Timer(0.02, reader.close)
    closer.start()
    with pytest.raises(BadHandle):
        reader.wait(HEAD, timeout=20.0)
    closer.join()


def test_a_wait_is_over_when_the_writer_closes(state: SharedState, reader: StateReader) -> None:
    assert _is_alive(reader)
    closer = threading.Timer(0.02, state.close)
    closer.start()
    with pytest.raises(PeerClosed, match="the writer of scene is gone"):
        reader.wait(HEAD, timeout=20.0)
    closer.join()
    assert not _is_alive(reader)
    with pytest.raises(PeerClosed):
        reader.wait(HEAD, timeout=0)


def test_the_last_word_of_a_writer_is_heard(state: SharedState, reader: StateReader) -> None:
    state.publish(HEAD, AT_REST)
    state.close()
    assert reader.wait(HEAD, 0, 0) == 1


def test_a_last_word_that_comes_late_is_heard(
    state: SharedState, reader: StateReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def speak_and_die(fd: int) -> bool:
        del fd
        state.publish(HEAD, AT_REST)
        return False

    monkeypatch.setattr(state_reader, "is_locked", speak_and_die)
    assert reader.wait(HEAD, 0, 0) == 1


def test_a_writer_killed_in_the_middle_leaves_the_last_whole_value(spawn_python: Spawner) -> None:
    child, vmo = start_writer(spawn_python, IN_THE_MIDDLE)
    with StateReader.attach(vmo, LAYOUT) as reader:
        assert reader.wait(WORDS, 1, 20.0) == 2
        assert _is_alive(reader)
        child.send("die")
        with pytest.raises(PeerClosed):
            reader.wait(WORDS, timeout=20.0)
        assert child.wait() == -9
        assert not _is_alive(reader)
        assert reader.read(WORDS) == _words(2)
        place = LAYOUT.places[1]
        half_written = bytes(reader._octets[place.slot(3) : place.slot(3) + 100])
        assert half_written == b"\xff" * 100, "it did die in the middle"


def test_a_waiting_reader_in_one_process_is_woken_by_a_writer_in_another(
    spawn_python: Spawner,
) -> None:
    child, vmo = start_writer(spawn_python, AT_10_KHZ)
    with StateReader.attach(vmo, LAYOUT) as reader:
        version = 0
        for _ in range(50):
            version = reader.wait(WORDS, version, 20.0)
        child.finish()
        with pytest.raises(PeerClosed):
            reader.wait(WORDS, timeout=20.0)


# ---- life


def test_views_outlive_the_reader(state: SharedState) -> None:
    reader = StateReader.attach(state.share(), LAYOUT)
    state.publish(WORDS, _words(3))
    _, view = reader.view(WORDS)
    held: list[Any] = [view]
    numpy = True
    try:
        held.append(reader.array(WORDS)[1])
    except ImportError:
        numpy = False
    reader.close()
    reader.close()
    assert view[0] == 3
    if numpy:
        assert held[1]["words"][31] == 3
    with pytest.raises(BadHandle):
        reader.snapshot(WORDS)
    with pytest.raises(BadHandle):
        reader.wait(WORDS, 0, 0)
    with pytest.raises(BadHandle):
        _ = reader.writer_alive
    held.clear()
    del view
    gc.collect()


def test_a_reader_needs_no_more_than_to_read(state: SharedState) -> None:
    with state.share() as vmo:
        sent = vmo.duplicate(Rights.READ | Rights.MAP)
    state.publish(HEAD, AT_REST)
    with StateReader.attach(sent, LAYOUT) as reader:
        assert reader.read(HEAD) == AT_REST
        assert reader.writer_alive
        assert "bytes" in repr(reader)
    assert "closed" in repr(reader)
