from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from ipcrt.errors import BadState
from ipcrt.objects.rights import Rights
from ipcrt.objects.seals import Seals
from ipcrt.objects.vmo import Vmo
from ipcrt.shm.writer_lock import WriterLock, is_locked
from tests.support.processes import Spawner

HOLDER = """
import os, sys
from ipcrt.shm.writer_lock import WriterLock

lock = WriterLock(int(sys.argv[1]))
print("locked", flush=True)
if sys.argv[2] == "fork" and os.fork() == 0:
    print("forked", lock.closed, flush=True)
    sys.stdin.readline()
    os._exit(0)
sys.stdin.readline()
"""


@pytest.fixture
def vmo() -> Iterator[Vmo]:
    with Vmo.create(64) as made:
        yield made


def test_it_is_held_until_it_is_closed(vmo: Vmo) -> None:
    assert not is_locked(vmo.fileno())
    with WriterLock(vmo.fileno()):
        assert is_locked(vmo.fileno())
    assert not is_locked(vmo.fileno())


def test_there_is_one_holder(vmo: Vmo) -> None:
    with WriterLock(vmo.fileno()):
        with pytest.raises(BadState, match="has a writer already"):
            WriterLock(vmo.fileno())
        assert is_locked(vmo.fileno())


def test_what_readers_get_does_not_hold_it(vmo: Vmo) -> None:
    lock = WriterLock(vmo.fileno())
    vmo.seal(Seals.SHRINK | Seals.FUTURE_WRITE | Seals.SEAL)
    with vmo.duplicate(Rights.READ | Rights.MAP) as sent, vmo.duplicate() as same:
        assert is_locked(sent.fileno())
        assert is_locked(same.fileno())
        lock.close()
        assert not is_locked(sent.fileno())
        assert not is_locked(same.fileno())


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming somebody else takes root")
def test_a_reader_of_another_user_cannot_pass_for_a_writer_that_is_gone(vmo: Vmo) -> None:
    """Through /proc anybody who has a descriptor may open the memory again."""
    with WriterLock(vmo.fileno()):
        vmo.seal(Seals.SHRINK | Seals.FUTURE_WRITE | Seals.SEAL)
    with vmo.duplicate(Rights.READ | Rights.MAP) as sent:
        child = os.fork()
        if not child:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            try:
                WriterLock(sent.fileno())
            except BadState:
                os._exit(0)
            os._exit(1)
        assert os.waitpid(child, 0)[1] == 0
        assert not is_locked(sent.fileno())


def test_whoever_may_read_it_still_may(vmo: Vmo) -> None:
    vmo.seal(Seals.SHRINK)
    with WriterLock(vmo.fileno()):
        assert os.fstat(vmo.fileno()).st_mode & 0o777 == 0o444
        with vmo.duplicate(Rights.READ | Rights.MAP) as sent, sent.map() as mapping:
            assert len(mapping) == 64


def test_a_killed_holder_lets_go(vmo: Vmo, spawn_python: Spawner) -> None:
    child = spawn_python(HOLDER, vmo.fileno(), "stay", pass_fds=[vmo.fileno()])
    assert child.line() == "locked"
    assert is_locked(vmo.fileno())
    child.kill()
    child.wait()
    assert not is_locked(vmo.fileno())


def test_a_forked_child_does_not_hold_it(vmo: Vmo, spawn_python: Spawner) -> None:
    child = spawn_python(HOLDER, vmo.fileno(), "fork", pass_fds=[vmo.fileno()])
    assert child.line() == "locked"
    assert child.line() == "forked True"
    assert is_locked(vmo.fileno())
    child.kill()
    child.wait()
    assert not is_locked(vmo.fileno()), "the child of the dead holder still runs"


def test_what_cannot_be_locked_leaves_nothing(vmo: Vmo) -> None:
    before = set(os.listdir("/proc/self/fd"))
    with WriterLock(vmo.fileno()), pytest.raises(BadState):
        WriterLock(vmo.fileno())
    assert set(os.listdir("/proc/self/fd")) == before
