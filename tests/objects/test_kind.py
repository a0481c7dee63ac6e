from __future__ import annotations

import os
import resource
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from ipcrt.errors import BadHandle, NotSupported, WrongType
from ipcrt.objects.channel import Channel
from ipcrt.objects.event import Event
from ipcrt.objects.eventpair import EventPair
from ipcrt.objects.fifo import Fifo
from ipcrt.objects.handle import Handle, close_all
from ipcrt.objects.kind import ObjType, check_kind, fdinfo, kind_of, tag_detail, tag_pair
from ipcrt.objects.process import Process
from ipcrt.objects.socket import Socket
from ipcrt.objects.timer import Timer
from ipcrt.objects.vmo import Vmo
from tests.support.processes import Spawner
from tests.support.waiting import wait_until

MAKERS: dict[ObjType, Callable[[], list[Handle]]] = {
    ObjType.PROCESS: lambda: [Process.open(os.getpid())],
    ObjType.VMO: lambda: [Vmo.create(1)],
    ObjType.CHANNEL: lambda: [*Channel.create()],
    ObjType.EVENT: lambda: [Event.create()],
    ObjType.SOCKET: lambda: [*Socket.create()],
    ObjType.EVENTPAIR: lambda: [*EventPair.create()],
    ObjType.FIFO: lambda: [*Fifo.create(4, 8)],
    ObjType.TIMER: lambda: [Timer.create()],
}
PAIRS = [ObjType.CHANNEL, ObjType.SOCKET, ObjType.EVENTPAIR, ObjType.FIFO]


def test_every_kind_is_tried() -> None:
    assert {ObjType.NONE, *MAKERS} == set(ObjType)


@pytest.mark.parametrize("kind", MAKERS)
def test_the_kernel_tells_each_kind(kind: ObjType) -> None:
    handles = MAKERS[kind]()
    try:
        for handle in handles:
            assert kind_of(handle.fileno()) is handle.TYPE is kind
            check_kind(handle.fileno(), kind)
            with pytest.raises(WrongType, match=f"{kind.name}, expected NONE"):
                check_kind(handle.fileno(), ObjType.NONE)
    finally:
        close_all(handles)


@pytest.mark.parametrize("kind", PAIRS)
def test_an_end_whose_peer_is_gone_is_still_of_its_kind(kind: ObjType) -> None:
    near, far = MAKERS[kind]()
    far.close()
    assert kind_of(near.fileno()) is kind
    near.close()


def other_descriptors() -> dict[str, Callable[[], int]]:
    def pipe_end() -> int:
        reader, writer = os.pipe()
        os.close(writer)
        return reader

    def path_only(make: Callable[[], Handle]) -> int:
        with make() as handle:
            return os.open(f"/proc/self/fd/{handle.fileno()}", os.O_PATH)

    def one_end(kind: ObjType) -> Handle:
        near, far = MAKERS[kind]()
        far.close()
        return near

    def unconnected(kind: socket.SocketKind, *, listen: bool = False) -> int:
        with socket.socket(socket.AF_UNIX, kind) as sock:
            if listen:
                sock.bind("")
                sock.listen()
            return sock.detach()

    def connected_internet() -> int:
        with socket.create_server(("127.0.0.1", 0)) as server:
            client = socket.create_connection(server.getsockname())
            server.accept()[0].close()
            return client.detach()

    return {
        "file": lambda: os.open(__file__, os.O_RDONLY),
        "directory": lambda: os.open("/", os.O_RDONLY),
        "device": lambda: os.open("/dev/null", os.O_RDWR),
        "pipe": pipe_end,
        "datagram": lambda: unconnected(socket.SOCK_DGRAM),
        "unconnected stream": lambda: unconnected(socket.SOCK_STREAM),
        "unconnected seqpacket": lambda: unconnected(socket.SOCK_SEQPACKET),
        "listening stream": lambda: unconnected(socket.SOCK_STREAM, listen=True),
        "listening seqpacket": lambda: unconnected(socket.SOCK_SEQPACKET, listen=True),
        "internet": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM).detach(),
        "connected internet": connected_internet,
        "path of memory": lambda: path_only(lambda: Vmo.create(1)),
        "path of a socket": lambda: path_only(lambda: one_end(ObjType.SOCKET)),
    }


@pytest.mark.parametrize("name", other_descriptors())
def test_anything_else_is_no_object_of_ours(name: str) -> None:
    with Handle(other_descriptors()[name]()) as handle:
        assert kind_of(handle.fileno()) is ObjType.NONE


@pytest.mark.parametrize("expected", MAKERS)
@pytest.mark.parametrize("name", other_descriptors())
def test_nothing_else_passes_for_an_object(name: str, expected: ObjType) -> None:
    refusal = pytest.raises(WrongType, match=f"NONE, expected {expected.name}")
    with Handle(other_descriptors()[name]()) as handle, refusal:
        check_kind(handle.fileno(), expected)


@pytest.mark.parametrize("expected", MAKERS)
@pytest.mark.parametrize("kind", MAKERS)
def test_no_object_passes_for_another(kind: ObjType, expected: ObjType) -> None:
    handles = MAKERS[kind]()
    try:
        if kind is not expected:
            with pytest.raises(WrongType, match=f"{kind.name}, expected {expected.name}"):
                check_kind(handles[0].fileno(), expected)
    finally:
        close_all(handles)


def test_what_is_not_open_has_no_kind() -> None:
    with pytest.raises(BadHandle):
        kind_of(1 << 20)
    for expected in MAKERS:
        for fd in (-1, 1 << 20):
            with pytest.raises(BadHandle):
                check_kind(fd, expected)


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET])
def test_a_name_alone_makes_no_channel(kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_UNIX, kind) as alone:
        alone.bind(b"\0ipcrt/channel/%x" % (os.getpid() << 20))
        with pytest.raises(WrongType, match="NONE, expected CHANNEL"):
            check_kind(alone.fileno(), ObjType.CHANNEL)


def test_a_name_makes_no_channel_of_a_stream() -> None:
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with near, far:
        near.bind(b"\0ipcrt/channel/%x" % (os.getpid() << 20))
        with pytest.raises(WrongType, match="SOCKET, expected CHANNEL"):
            check_kind(near.fileno(), ObjType.CHANNEL)


def test_a_path_makes_no_event(tmp_path: Path) -> None:
    place = tmp_path / "anon_inode:[eventfd]"
    place.touch()
    with place.open() as file, pytest.raises(WrongType, match="NONE, expected EVENT"):
        check_kind(file.fileno(), ObjType.EVENT)


def test_an_accepted_socket_counts_as_a_channel(tmp_path: Path) -> None:
    path = str(tmp_path / "listener")
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener,
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client,
    ):
        listener.bind(path)
        listener.listen()
        client.connect(path)
        with listener.accept()[0] as accepted:
            assert kind_of(accepted.fileno()) is ObjType.CHANNEL
            assert kind_of(client.fileno()) is ObjType.CHANNEL


@pytest.mark.parametrize("kind", [kind for kind in MAKERS if kind is not ObjType.TIMER])
def test_a_koid_belongs_to_the_object(kind: ObjType) -> None:
    handles, others = MAKERS[kind](), MAKERS[kind]()
    try:
        with Handle(os.dup(handles[0].fileno())) as copy:
            assert copy.koid == handles[0].koid
        koids = {handle.koid for handle in handles + others}
        same = kind is ObjType.PROCESS  # both are this very process
        assert len(koids) == (1 if same else len(handles + others))
        assert 0 not in koids
    finally:
        close_all(handles + others)


def test_timers_have_no_koid() -> None:
    with Timer.create() as timer, pytest.raises(NotSupported):
        _ = timer.koid


@pytest.mark.parametrize("kind", PAIRS)
def test_each_end_names_the_other(kind: ObjType) -> None:
    near, far = MAKERS[kind]()
    with near:
        with far:
            assert near.related_koid == far.koid
            assert far.related_koid == near.koid
            koid = far.koid
        assert near.related_koid == koid, "though it is gone"


def test_what_has_no_other_end_names_none() -> None:
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with Handle(near.detach()) as untagged, far, Vmo.create(1) as vmo, Event.create() as event:
        assert (untagged.related_koid, vmo.related_koid, event.related_koid) == (0, 0, 0)
    with socket.socket(socket.AF_INET) as sock, Handle(os.dup(sock.fileno())) as internet:
        assert internet.related_koid == 0
    with pytest.raises(BadHandle):
        _ = vmo.related_koid


def test_a_third_process_matches_the_ends_of_a_pair(spawn_python: Spawner) -> None:
    near, far = Channel.create()
    with near:
        child = spawn_python.module(
            "tests.objects.children", "make_eventpair", far.fileno(), pass_fds=[far.fileno()]
        )
        far.close()
        wait_until(lambda: _readable(near))
        message = near.read()
    first, stranger, second = (EventPair.from_handle(handle) for handle in message.handles)
    with first, stranger, second:
        assert first.related_koid == second.koid
        assert second.related_koid == first.koid
        assert stranger.related_koid not in {first.koid, second.koid, 0}
    child.finish()


def _readable(channel: Channel) -> bool:
    with socket.socket(fileno=os.dup(channel.fileno())) as sock:
        try:
            return bool(sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except BlockingIOError:
            return False


def test_a_forged_tag_is_not_answered_by_the_end_that_it_names() -> None:
    victim, peer = EventPair.create()
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ends[0].bind(b"\0ipcrt/fifo-1x2/%x" % victim.koid)
    with victim, peer, Handle(ends[0].detach()), Handle(ends[1].detach()) as forged:
        assert forged.related_koid == victim.koid, "its maker may say so"
        assert victim.related_koid == peer.koid != forged.koid, "but it is not mutual"


@pytest.mark.parametrize(
    "address",
    [
        b"\0ipcrt/eventpair",
        b"\0ipcrt/eventpair/",
        b"\0ipcrt/eventpair/-5",
        b"\0ipcrt/eventpair/0x5",
        b"\0ipcrt/eventpair/1_0",
        b"\0ipcrt/eventpair/" + b"f" * 17,
        b"\0ipcrt/event pair/5",
        b"\0other/eventpair/5",
    ],
)
def test_an_address_that_is_no_tag_says_nothing(address: bytes) -> None:
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ends[0].bind(address)
    with Handle(ends[0].detach()) as named, Handle(ends[1].detach()) as other:
        assert kind_of(named.fileno()) is ObjType.CHANNEL
        assert other.related_koid == 0
        assert tag_detail(named.fileno()) == ""


def test_an_unknown_kind_in_a_tag_counts_as_a_channel() -> None:
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end, name in zip(ends, (b"socket", b"unheard"), strict=True):
        end.bind(b"\0ipcrt/%s/%x" % (name, end.fileno() << 40))
        with end:
            assert kind_of(end.fileno()) is ObjType.CHANNEL


def test_a_squatted_address_stops_nobody() -> None:
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with Handle(os.dup(ends[0].fileno())) as one, Handle(os.dup(ends[1].fileno())) as other:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as squatter:
            squatter.bind(b"\0ipcrt/eventpair-x/%x" % one.koid)
            tag_pair(ObjType.EVENTPAIR, ends, "x")
        for end in ends:
            assert kind_of(end.fileno()) is ObjType.EVENTPAIR
            assert tag_detail(end.fileno()) == "x"
            end.close()
        assert other.related_koid == one.koid
        assert one.related_koid == other.koid


def test_fdinfo_tells_one_field() -> None:
    with Process.open(os.getpid()) as process, Vmo.create(1) as vmo:
        assert fdinfo(process.fileno(), "Pid") == os.getpid()
        with pytest.raises(NotSupported):
            fdinfo(vmo.fileno(), "Pid")
    with pytest.raises(BadHandle):
        fdinfo(1 << 20, "Pid")


def test_looking_leaves_no_descriptor_behind_when_none_is_free() -> None:
    near, far = EventPair.create()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with near, far:
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            assert kind_of(near.fileno()) is ObjType.EVENTPAIR
            assert near.related_koid == far.koid
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
