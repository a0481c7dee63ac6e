from __future__ import annotations

import contextlib
import os
import resource
import socket
import struct
import threading
from collections.abc import Generator
from pathlib import Path

import anyio
import pytest

from ipcrt.errors import (
    BadState,
    IoError,
    LocalProtocolError,
    NoResources,
    NotFound,
    OutOfRange,
    PeerClosed,
    TimedOut,
    Unavailable,
)
from ipcrt.locator.connect import (
    CONNECT_TIMEOUT,
    SOCKET_VARIABLE,
    connect,
    connect_blocking,
    locator_path,
    try_connect,
)
from ipcrt.locator.locator import LocatorService
from ipcrt.locator.paths import default_path
from ipcrt.locator.policy import Policy
from ipcrt.locator.protocol import Identity
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.objects.process import Process
from ipcrt.port.aport import open_port
from tests.locator.echo import NAME, Echo, EchoBlockingProxy, EchoProxy
from tests.locator.stage import NOBODY, Stage, let_others_in, needs_root
from tests.support.proc import open_fds
from tests.support.waiting import apart

MYSELF = Identity(os.getpid(), os.getuid(), os.getgid())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "socket"


@contextlib.contextmanager
def listening(
    path: Path, kind: int = socket.SOCK_SEQPACKET, backlog: int = 8
) -> Generator[socket.socket, None, None]:
    """A listener that accepts nobody by itself."""
    with socket.socket(socket.AF_UNIX, kind) as listener:
        listener.bind(os.fspath(path))
        listener.listen(backlog)
        yield listener


# ------------------------------------------------------------------------------------- all of it


@pytest.mark.anyio
async def test_an_awaiting_client(stage: Stage) -> None:
    daemon = stage.locator()
    stage.service()
    async with connect(stage.path) as locator:
        assert (await locator.proxy.get_identity()).identity == MYSELF
        assert await locator.names() == [NAME]
        async with await locator.open(EchoProxy) as echo:
            assert await echo.echo("hello") == "hello"
            told = await echo.describe()
        with Process.open(os.getpid()) as ourselves:
            assert told.process_koid == ourselves.koid
        assert (told.pid, told.uid, told.gid) == (os.getpid(), os.getuid(), os.getgid())
    assert (daemon.log(), told.ended) == ("", False)


def test_a_blocking_client(stage: Stage) -> None:
    stage.locator()
    stage.service()
    with connect_blocking(stage.path) as locator:
        assert locator.proxy.get_identity().identity == MYSELF
        assert locator.names() == [NAME]
        with locator.open(EchoBlockingProxy) as echo:
            assert echo.echo("hello") == "hello"
            assert echo.describe().pid == os.getpid()


@pytest.mark.parametrize("loop", ["asyncio", "uvloop", "trio"])
def test_a_service_on_any_loop(stage: Stage, loop: str) -> None:
    stage.locator()
    stage.service("--loop", loop)
    with connect_blocking(stage.path) as locator, locator.open(EchoBlockingProxy) as echo:
        assert echo.echo(loop) == loop


@pytest.mark.anyio
async def test_opening_under_another_name(stage: Stage) -> None:
    stage.locator()
    stage.service("--names", "one/Echo", "two/Echo")
    async with connect(stage.path) as locator:
        assert await locator.names() == ["one/Echo", "two/Echo"]
        async with await locator.open(EchoProxy, "two/Echo") as echo:
            assert await echo.echo("hello") == "hello"
        async with await locator.open(EchoProxy) as echo:
            with pytest.raises(NotFound):
                await echo.echo("hello")


@pytest.mark.anyio
async def test_opening_an_end_to_pass_on(stage: Stage) -> None:
    stage.locator()
    stage.service()
    async with connect(stage.path) as locator:
        end = await locator.open_end(Echo)
        async with EchoProxy(end, locator.port) as echo:
            assert await echo.echo("hello") == "hello"


@pytest.mark.anyio
async def test_a_service_that_is_killed_between_two_calls(stage: Stage) -> None:
    stage.locator()
    service = stage.service()
    async with connect(stage.path) as locator, await locator.open(EchoProxy) as echo:
        assert await echo.echo("hello") == "hello"
        service.kill()
        with pytest.raises(PeerClosed):
            await echo.echo("hello")
        async with await locator.open(EchoProxy) as again:
            with pytest.raises((NotFound, Unavailable, PeerClosed)):
                await again.echo("hello")
        while await locator.names():
            await locator.port.sleep(0.001)
        async with await locator.open(EchoProxy) as again:
            with pytest.raises(NotFound):
                await again.echo("hello")


@pytest.mark.anyio
async def test_one_more_channel(stage: Stage) -> None:
    daemon = stage.locator()
    async with connect(stage.path) as locator:
        async with await locator.another() as another:
            assert (await another.get_identity()).identity == MYSELF
        assert (await locator.proxy.get_identity()).identity == MYSELF
    daemon.settle()


def test_one_more_channel_for_a_thread(stage: Stage) -> None:
    daemon = stage.locator()
    with connect_blocking(stage.path) as locator, locator.another() as another:
        assert another.get_identity().identity == MYSELF
    daemon.settle()


@pytest.mark.anyio
async def test_leaving_closes_everything(stage: Stage) -> None:
    daemon = stage.locator()
    async with open_port() as port:
        before = open_fds()
        async with connect(stage.path, port=port) as locator:
            await locator.names()
        assert open_fds() == before
    daemon.settle()


@pytest.mark.anyio
async def test_what_cannot_be_sent_leaves_nothing_open(stage: Stage) -> None:
    stage.locator()
    async with connect(stage.path) as locator:
        before = open_fds()
        with pytest.raises(LocalProtocolError):
            await locator.open(EchoProxy, "x" * 256)
        assert open_fds() == before
    with pytest.raises(Exception, match="closed"):
        await locator.open(EchoProxy)


# --------------------------------------------------------------------------------------- where to


def test_where_the_locator_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SOCKET_VARIABLE, raising=False)
    assert locator_path() == default_path()
    monkeypatch.setenv(SOCKET_VARIABLE, "/from/environment")
    assert locator_path() == "/from/environment"
    assert locator_path(Path("/given")) == "/given"
    monkeypatch.setenv(SOCKET_VARIABLE, "")
    assert locator_path() == default_path()


@pytest.mark.anyio
async def test_the_environment_says_where(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.locator()
    monkeypatch.setenv(SOCKET_VARIABLE, os.fspath(stage.path))
    async with connect() as locator:
        assert await locator.names() == []
    assert apart(names_blocking) == []


def names_blocking() -> list[str]:
    with connect_blocking() as blocking:
        return blocking.names()


# ---------------------------------------------------------------------------- nobody, or not for us


def test_nobody_has_ever_listened(path: Path) -> None:
    with pytest.raises(Unavailable, match=f"no locator listens at {path}"):
        try_connect(os.fspath(path))


def test_nobody_listens_any_more(path: Path) -> None:
    with listening(path):
        pass
    with pytest.raises(Unavailable, match="no locator listens"):
        try_connect(os.fspath(path))


def test_something_else_listens(path: Path) -> None:
    with listening(path, socket.SOCK_STREAM), pytest.raises(IoError, match="wrong type"):
        try_connect(os.fspath(path))


def test_a_path_that_no_socket_can_have(tmp_path: Path) -> None:
    with pytest.raises(OutOfRange, match="too long"):
        try_connect("/" + "x" * 107)
    tmp_path.joinpath("file").touch()
    with pytest.raises(Exception, match="Not a directory"):
        try_connect(os.fspath(tmp_path / "file" / "socket"))


def test_no_descriptor_for_a_connection(path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with listening(path):
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
        try:
            with pytest.raises(NoResources):
                try_connect(os.fspath(path))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# Becomes another user, and says how connecting went.
STRANGER = """
import os, sys
from ipcrt.errors import IpcError
from ipcrt.locator.connect import connect_blocking
from tests.locator.echo import EchoBlockingProxy
path, uid, gid = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
os.setgroups([])
os.setresgid(gid, gid, gid)
os.setresuid(uid, uid, uid)
try:
    with connect_blocking(path) as locator:
        print(locator.proxy.get_identity().identity.uid, *locator.names())
        for name in sys.argv[4:]:
            with locator.open(EchoBlockingProxy, name) as echo:
                try:
                    echo.echo("hello")
                    print(name, echo.describe().uid)
                except IpcError as error:
                    print(name, type(error).__name__)
except IpcError as error:
    print(type(error).__name__)
"""


@needs_root
def test_a_socket_that_is_not_for_us(stage: Stage) -> None:
    stage.locator()
    let_others_in(stage.path)
    stranger = stage.spawn(STRANGER, stage.path, NOBODY.pw_uid, NOBODY.pw_gid)
    assert stranger.finish() == "AccessDenied\n"


@needs_root
def test_the_namespaces_of_two_users(stage: Stage) -> None:
    policy = stage.policy(
        """
        [[rule]]
        user = ["root"]
        open = ["*"]
        register = ["*"]
        [[rule]]
        group = [7777]
        open = ["*"]
        [[rule]]
        user = ["nobody"]
        open = ["public/*"]
        """
    )
    daemon = stage.locator("--policy", policy, "--mode", "666")
    let_others_in(stage.path)
    stage.service("--names", "public/Echo", "secret/Echo")
    names = ["public/Echo", "secret/Echo", "public/None"]
    stranger = stage.spawn(STRANGER, stage.path, NOBODY.pw_uid, NOBODY.pw_gid, *names)
    assert stranger.finish().splitlines() == [
        f"{NOBODY.pw_uid} public/Echo",
        f"public/Echo {NOBODY.pw_uid}",
        "secret/Echo AccessDenied",
        "public/None NotFound",
    ]
    member = stage.spawn(STRANGER, stage.path, NOBODY.pw_uid, 7777, *names)
    assert member.finish().splitlines()[0] == f"{NOBODY.pw_uid} public/Echo secret/Echo"
    with connect_blocking(stage.path) as locator:
        assert locator.names() == names[:2]
    (line,) = daemon.log_lines("policy")
    assert f"uid {NOBODY.pw_uid}: policy does not grant 'secret/Echo'" in line


# ----------------------------------------------------------------------------------- a full backlog


def fill(path: Path) -> list[Channel]:
    """Connect until the backlog is full."""
    waiting: list[Channel] = []
    while (channel := try_connect(os.fspath(path))) is not None:
        waiting.append(channel)
    return waiting


def test_a_full_backlog_is_no_connection(path: Path) -> None:
    """A non-blocking connect says EAGAIN, and leaves the socket unconnected."""
    with listening(path, backlog=0) as listener:
        waiting = fill(path)
        assert len(waiting) == 1
        assert try_connect(os.fspath(path)) is None
        listener.accept()[0].close()
        channel = try_connect(os.fspath(path))
        assert channel is not None
        for each in (*waiting, channel):
            each.close()


@pytest.mark.anyio
async def test_a_client_waits_for_room_in_the_backlog(path: Path) -> None:
    with listening(path, backlog=0) as listener, Handle(os.dup(listener.fileno())) as handle:
        listener.setblocking(False)
        waiting = fill(path)
        async with open_port() as port:
            service = LocatorService(port, Policy.default())
            port.deadlines.add(0.05, lambda: service.listen(handle))
            async with connect(path, port=port) as locator:
                assert locator.identity == MYSELF
            service.close()
        for each in waiting:
            each.close()


@pytest.mark.anyio
async def test_a_backlog_that_stays_full(path: Path) -> None:
    with listening(path, backlog=0):
        waiting = fill(path)
        async with open_port() as port:
            before = open_fds()
            with pytest.raises(TimedOut, match=f"backlog of {path} stayed full for 0.05 seconds"):
                async with connect(path, port=port, timeout=0.05):
                    pass
            assert open_fds() == before
        for each in waiting:
            each.close()


@pytest.mark.anyio
async def test_giving_up_while_the_backlog_is_full(path: Path) -> None:
    with listening(path, backlog=0):
        waiting = fill(path)
        with anyio.move_on_after(0.02) as scope:
            async with connect(path):
                pass
        assert scope.cancelled_caught
        for each in waiting:
            each.close()


def test_a_thread_waits_for_room_in_the_backlog(stage: Stage) -> None:
    stage.path.parent.mkdir()
    with listening(stage.path, backlog=0) as listener:
        waiting = fill(stage.path)
        with pytest.raises(TimedOut, match="stayed full"), connect_blocking(stage.path, timeout=0):
            pass
        starting = threading.Timer(0.05, stage.activated_locator, (listener,))
        starting.start()
        with connect_blocking(stage.path) as locator:
            assert locator.identity == MYSELF
        starting.join()
        for each in waiting:
            each.close()


@pytest.mark.anyio
async def test_a_locator_that_does_not_answer(path: Path) -> None:
    with listening(path):
        async with open_port() as port:
            before = open_fds()
            with pytest.raises(TimedOut, match=f"{path} did not answer in 0.05 seconds"):
                async with connect(path, port=port, timeout=0.05):
                    pass
            assert open_fds() == before
        with pytest.raises(TimedOut, match="not answer"):
            apart(identity_blocking, path, 0.05)


def identity_blocking(path: Path, timeout: float = CONNECT_TIMEOUT) -> Identity:
    with connect_blocking(path, timeout=timeout) as locator:
        return locator.identity


@pytest.mark.anyio
async def test_blocking_the_thread_of_a_loop_is_refused_at_once(path: Path) -> None:
    with listening(path):
        before = open_fds()
        with pytest.raises(BadState, match="event loop"):
            identity_blocking(path)
        assert open_fds() == before


@pytest.mark.anyio
async def test_a_locator_that_goes_away_meanwhile(path: Path) -> None:
    with listening(path) as listener:
        async with open_port() as port:
            port.deadlines.add(0.02, listener.close)
            with pytest.raises(Unavailable, match="no locator listens"):
                async with connect(path, port=port):
                    pass


def accept_and_close(listener: socket.socket, times: int) -> None:
    for _ in range(times):
        listener.accept()[0].close()


@pytest.mark.anyio
async def test_a_locator_that_is_restarted_meanwhile(stage: Stage) -> None:
    """It has accepted, and not answered."""
    stage.path.parent.mkdir()
    for blocking in (False, True):
        with listening(stage.path) as listener:
            closing = threading.Thread(target=accept_and_close, args=(listener, 2))
            closing.start()
            starting = threading.Timer(0.05, stage.activated_locator, (listener,))
            starting.start()
            if blocking:
                assert apart(identity_blocking, stage.path) == MYSELF
            else:
                async with connect(stage.path) as client:
                    assert client.identity == MYSELF
            closing.join()
            starting.join()
        stage.path.unlink()


@pytest.mark.anyio
async def test_locators_that_stop_again_and_again(path: Path) -> None:
    with listening(path) as listener:
        closing = threading.Thread(target=accept_and_close, args=(listener, 6))
        closing.start()
        with pytest.raises(Unavailable, match="has gone"):
            async with connect(path):
                pass
        with pytest.raises(Unavailable, match="has gone"):
            apart(identity_blocking, path)
        closing.join()


# ------------------------------------------------------------------------------------------ refusal


@pytest.mark.anyio
async def test_a_locator_that_is_full_says_so(stage: Stage) -> None:
    daemon = stage.locator("--max-clients", 1, "--max-clients-per-uid", 1)
    async with connect(stage.path) as first:
        for _ in range(5):
            with pytest.raises(
                NoResources, match=f"at {stage.path} has too many clients, or too many of"
            ):
                async with connect(stage.path):
                    pass
        assert (await first.proxy.get_identity()).identity == MYSELF
    assert len(daemon.log_lines("is turned away: 1 clients, limit 1")) == 5
    daemon.settle()
    async with connect(stage.path) as next_one:
        assert await next_one.names() == []


def test_a_thread_is_refused_too(stage: Stage) -> None:
    stage.locator("--max-clients", 1)
    with connect_blocking(stage.path) as first:
        for _ in range(5):
            with pytest.raises(NoResources, match="too many"), connect_blocking(stage.path):
                pass
        assert first.names() == []


# ------------------------------------------------------------------------------------- identity


def test_a_client_that_exits_at_once(stage: Stage) -> None:
    """It has opened something, and is gone before anybody looks."""
    daemon = stage.locator()
    service = stage.service()
    for _ in range(5):
        client = stage.spawn(
            "import os, sys\n"
            "from ipcrt.locator.connect import connect_blocking\n"
            "from tests.locator.echo import EchoBlockingProxy\n"
            "with connect_blocking(sys.argv[1]) as locator:\n"
            "    locator.open(EchoBlockingProxy)\n"
            "    os._exit(0)\n",
            stage.path,
        )
        assert client.wait() == 0
    with connect_blocking(stage.path) as locator, locator.open(EchoBlockingProxy) as echo:
        while echo.crowd().clients > 1:
            pass
    assert daemon.log() == ""
    assert service.errors() == ""


def test_the_service_sees_its_client_end(stage: Stage) -> None:
    stage.locator()
    stage.service()
    client = stage.spawn(
        "import sys\n"
        "from ipcrt.locator.connect import connect_blocking\n"
        "from ipcrt.locator.protocol import Locator\n"
        "from tests.locator.echo import EchoBlockingProxy\n"
        "with connect_blocking(sys.argv[1]) as locator:\n"
        "    with locator.open(EchoBlockingProxy) as echo:\n"
        "        print(echo.describe().process_koid, flush=True)\n"
        "        sys.stdin.readline()\n",
        stage.path,
    )
    koid = int(client.line())
    with Process.open(client.pid) as process:
        assert process.koid == koid


PEER_CRED = struct.Struct("=iII")


def test_the_clients_own_look_at_its_peer_names_whoever_listened(stage: Stage) -> None:
    """Under activation that is the supervisor, here this process; so clients do not look."""
    stage.path.parent.mkdir()
    with listening(stage.path) as listener:
        stage.activated_locator(listener)
        with stage.raw() as client:
            raw = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER_CRED.size)
            assert PEER_CRED.unpack(raw)[0] == os.getpid()
        with connect_blocking(stage.path) as locator:
            assert locator.proxy.get_identity().identity == MYSELF


# --------------------------------------------------------------------------------------------- fork

FORK = """
import os, sys
from ipcrt.errors import BadState
from ipcrt.locator.connect import connect_blocking
with connect_blocking(sys.argv[1]) as locator:
    locator.names()
    child = os.fork()
    if child == 0:
        try:
            locator.names()
        except BadState as error:
            print(error, flush=True)
            os._exit(0)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    print(locator.names(), flush=True)
"""


def test_a_forked_child_is_told_to_connect_itself(stage: Stage) -> None:
    stage.locator()
    client = stage.spawn(FORK, stage.path)
    assert "fork" in client.line()
    assert client.line() == "[]"
    client.finish()
