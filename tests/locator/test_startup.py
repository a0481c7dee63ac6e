from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator

import pytest

from ipcrt.bindings.ends import create_endpoints
from ipcrt.errors import NotFound, PeerClosed, RemoteProtocolError
from ipcrt.locator import startup as module
from ipcrt.locator.namespace import Namespace
from ipcrt.locator.protocol import Locator
from ipcrt.locator.startup import VARIABLE, Startup, take_startup
from ipcrt.locator.startup_table import Address, encode_address, encode_table, make_table
from ipcrt.objects.channel import Channel
from ipcrt.objects.event import Event
from ipcrt.objects.handle import Handle
from ipcrt.objects.process import Process
from tests.support.proc import open_fds
from tests.support.processes import Spawner
from tests.support.waiting import wait_until


class Parent:
    """What a parent does for a child, in one process: `far` is what the child inherits."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.near, far = Channel.create()
        self.cookie = far.koid
        self.fd = far.take()
        os.set_inheritable(self.fd, True)
        self._monkeypatch = monkeypatch
        self.tell(f"{self.fd}:{self.cookie}")

    def tell(self, value: str) -> None:
        self._monkeypatch.setenv(VARIABLE, value)

    def address(self, pid: int | None = None) -> None:
        with Process.open(os.getpid()) as myself:
            mine = Address.of(myself)
        self.near.write(encode_address(Address(mine.pid if pid is None else pid, mine.koid)))

    def table(self, **handles: Handle) -> None:
        client, server = create_endpoints(Locator)
        with client, server:
            self.near.write(*encode_table(make_table({"own": {"/svc": client}}, handles)))

    def inherited(self) -> bool:
        """True while the descriptor is still what the child inherited."""
        return open_fds().get(self.fd, "").startswith("socket:")


@pytest.fixture
def parent(monkeypatch: pytest.MonkeyPatch) -> Generator[Parent]:
    made = Parent(monkeypatch)
    with made.near:
        yield made
    if made.inherited():
        os.close(made.fd)


def refused(startup: Startup, why: str) -> None:
    """Nothing was taken, and whoever asks is told why."""
    assert (startup.namespaces, startup.handles) == ({}, {})
    with pytest.raises(NotFound, match=f"'x' was not passed to this process; .*{why}"):
        raise startup.explain("a namespace 'x'")
    assert VARIABLE not in os.environ


def test_what_was_passed_is_taken_once(parent: Parent) -> None:
    parent.address()
    parent.table(told=Event.create())
    startup = take_startup()
    assert list(startup.namespaces) == ["own"]
    with Event.from_handle(startup.handles["told"]):
        pass
    assert VARIABLE not in os.environ
    assert not parent.inherited(), "its work is done"
    assert take_startup() == Startup()
    startup.close()


def test_it_is_close_on_exec_while_it_is_read(
    parent: Parent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever forks in another thread passes it on to nobody."""
    seen: list[bool] = []

    def look(bootstrap: Channel) -> Address:
        seen.append(os.get_inheritable(bootstrap.fileno()))
        return Address(1, 1)

    monkeypatch.setattr(module, "_peek_address", look)
    assert take_startup().namespaces == {}
    assert seen == [False]


def test_nothing_was_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert take_startup() == Startup()
    assert str(Startup().explain("a handle 'x'")) == "a handle 'x' was not passed to this process"


def test_a_table_for_another_process(parent: Parent, caplog: pytest.LogCaptureFixture) -> None:
    parent.address(pid=1)
    parent.table()
    refused(take_startup(), f"meant for process 1, this is {os.getpid()}")
    assert "it is ignored" in caplog.text
    assert not parent.inherited(), "nobody here has a use for it"


def test_a_table_for_a_process_that_had_our_pid_before(parent: Parent) -> None:
    parent.near.write(encode_address(Address(os.getpid(), 12345)))
    refused(take_startup(), "meant for process")


@pytest.mark.parametrize(
    "told",
    ["", "x", "1", ":", "-1:5", "3:", "3:x", "99999999999999999999:1", "9999:1", "٣:1", "2:7"],
)
def test_a_variable_that_means_nothing(parent: Parent, told: str) -> None:
    parent.tell(told)
    refused(take_startup(), "no bootstrap channel of this process")
    assert parent.inherited(), "not ours to close"


def test_a_number_that_is_something_else_by_now(parent: Parent) -> None:
    near, far = Channel.create()
    with near, far, Event.create() as event:
        for fd in (far.fileno(), event.fileno(), 0):
            parent.tell(f"{fd}:{parent.cookie}")
            refused(take_startup(), "no bootstrap channel")
        assert not far.closed
        near.write(b"untouched")
        assert far.read().data == b"untouched"


@pytest.mark.parametrize("addressed", [False, True])
def test_a_parent_that_dies_before(parent: Parent, *, addressed: bool) -> None:
    if addressed:
        parent.address()
    parent.near.close()
    with pytest.raises(PeerClosed, match="the parent died before"):
        take_startup()
    assert not parent.inherited()
    assert VARIABLE not in os.environ


def test_a_parent_that_takes_its_time(parent: Parent) -> None:
    def tell() -> None:
        parent.address()
        parent.table()

    late = threading.Timer(0.05, tell)
    late.start()
    startup = take_startup()
    late.join()
    assert list(startup.namespaces) == ["own"]
    startup.close()


def test_a_parent_that_says_nothing(parent: Parent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE_S", 0.01)
    with pytest.raises(TimeoutError, match="passed nothing"):
        take_startup()
    assert not parent.inherited()


@pytest.mark.parametrize("first", [b"nonsense", encode_table(make_table({}, {}))[0]])
def test_a_parent_that_speaks_nonsense(parent: Parent, first: bytes) -> None:
    parent.near.write(first)
    with pytest.raises(RemoteProtocolError):
        take_startup()
    assert not parent.inherited()


def test_a_table_that_is_none(parent: Parent) -> None:
    parent.address()
    parent.address()
    with pytest.raises(RemoteProtocolError, match="another message"):
        take_startup()


# ----------------------------------------------------------------------- what the process keeps

Ask = Callable[[], object]


def kept() -> module._Kept:
    """The process's own would outlive the test."""
    return module._Kept()


def test_the_process_keeps_it(parent: Parent) -> None:
    parent.address()
    parent.table(told=Event.create())
    mine = kept()
    own = mine.namespace("own")
    assert own is mine.namespace("own")
    assert mine.names() == ["own"]
    with mine.take_handle("told"):
        pass
    with pytest.raises(NotFound, match="handle 'told' was not passed"):
        mine.take_handle("told")
    with pytest.raises(NotFound, match="namespace 'container' was not passed"):
        mine.namespace("container")
    own.close()


def test_who_was_passed_nothing_has_the_default_locators(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    mine = kept()
    assert mine.names() == ["own"]
    assert mine.namespace("own").keys() == Namespace.of_locator().keys() == ["/svc"]


def test_what_failed_once_fails_again(parent: Parent) -> None:
    parent.near.close()
    mine = kept()
    asks: tuple[Ask, ...] = (lambda: mine.namespace("own"), mine.names, lambda: mine.namespace("x"))
    for ask in asks:
        with pytest.raises(PeerClosed, match="the parent died before"):
            ask()


FORK = """
import os
from ipcrt.errors import BadState
from ipcrt.locator.startup import incoming_namespace
print(incoming_namespace().keys(), flush=True)
child = os.fork()
if child == 0:
    try:
        incoming_namespace()
    except BadState as error:
        print(error, flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""


def test_a_forked_child_has_nothing_of_it(spawn_python: Spawner) -> None:
    child = spawn_python(FORK)
    assert child.line() == "['/svc']"
    assert "spawn it instead" in child.line()
    child.finish()


# Reads nothing itself; starts another that inherits variable and descriptor, as a shell does.
WRAPPER = """
import os, subprocess, sys
os.set_inheritable(int(os.environ["IPCRT_STARTUP"].partition(":")[0]), True)
subprocess.run([sys.executable, "-c", sys.argv[1]], close_fds=False, check=True)
"""
ASKER = """
import os
from ipcrt.errors import NotFound
from ipcrt.locator.startup import incoming_namespace, namespace
print(incoming_namespace().keys(), "IPCRT_STARTUP" in os.environ, flush=True)
try:
    namespace("container")
except NotFound as error:
    print(os.getpid(), error, flush=True)
"""


def test_a_grandchild_does_not_take_what_was_meant_for_its_parent(spawn_python: Spawner) -> None:
    near, far = Channel.create()
    with near, far:
        variable = {VARIABLE: f"{far.fileno()}:{far.koid}"}
        child = spawn_python(
            WRAPPER, ASKER, pass_fds=[far.fileno()], environment=variable, capture_stderr=True
        )
        with Process.open(child.pid) as process:
            near.write(encode_address(Address.of(process)))
        near.write(*encode_table(make_table({"container": {}}, {})))
        assert child.line() == "['/svc'] False"
        pid, _, error = child.line().partition(" ")
        assert f"is meant for process {child.pid}, this is {pid}, and was ignored" in error
        child.finish()
        wait_until(lambda: "it is ignored" in child.errors())
        assert decode_twice(far), "it was only looked at"


def decode_twice(far: Channel) -> bool:
    return bool(far.read().data) and bool(far.read().data)
