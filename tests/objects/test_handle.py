from __future__ import annotations

import gc
import os
import warnings
from collections.abc import Callable, Iterator

import pytest

from ipcrt.errors import AccessDenied, BadHandle, InvalidArgs, WrongType
from ipcrt.objects.channel import Channel
from ipcrt.objects.event import Event
from ipcrt.objects.handle import Handle, Moved, close_all
from ipcrt.objects.kind import koid_of
from ipcrt.objects.rights import ALL, BASIC, Rights
from ipcrt.objects.vmo import Vmo
from tests.support.proc import open_fds


def new_handle(rights: Rights | None = None) -> Handle:
    return Handle(os.memfd_create("file"), rights)


class Recorder:
    """A watch that writes down whether the number was still the object's when it was told."""

    def __init__(self, handle: Handle) -> None:
        self.handle = handle
        self.number = handle.fileno()
        self.koid = handle.koid
        self.told: list[bool] = []

    def closing(self) -> None:
        self.told.append(koid_of(self.number) == self.koid)
        self.handle.close()  # whoever is told may do so again

    def drained(self) -> None:
        raise AssertionError("nothing was read")


@pytest.fixture
def handle() -> Iterator[Handle]:
    with new_handle() as made:
        yield made


def test_a_handle_lends_its_number_until_it_is_closed() -> None:
    handle = new_handle()
    fd = handle.fileno()
    os.fstat(fd)
    handle.close()
    assert handle.closed
    assert fd not in open_fds()
    with pytest.raises(BadHandle):
        handle.fileno()


def test_a_second_close_harms_no_stranger() -> None:
    handle = new_handle()
    fd = handle.fileno()
    handle.close()
    stranger = os.open("/dev/null", os.O_RDONLY)
    assert stranger == fd, "the number is used again"
    handle.close()
    os.fstat(stranger)
    os.close(stranger)


def test_a_handle_closes_when_its_block_ends() -> None:
    with new_handle() as handle:
        pass
    assert handle.closed


def test_take_gives_the_descriptor_away() -> None:
    handle = new_handle()
    fd = handle.take()
    assert handle.closed
    os.close(fd)
    with pytest.raises(BadHandle):
        handle.take()


def test_no_handle_without_a_descriptor() -> None:
    with pytest.raises(InvalidArgs):
        Handle(-1)


@pytest.mark.parametrize(
    "make",
    [new_handle, lambda: Channel.create()[0], Event.create],
    ids=["file", "channel", "event"],
)
def test_a_forgotten_handle_warns_and_closes(make: Callable[[], Handle]) -> None:
    before = open_fds()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        handle = make()
        del handle
        gc.collect()
    assert {w.category for w in caught} == {ResourceWarning}
    assert "unclosed <" in str(caught[0].message)
    assert open_fds() == before


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_forgotten_handle_closes_even_where_the_warning_is_an_error() -> None:
    before = open_fds()
    handle = new_handle()
    del handle
    gc.collect()
    assert open_fds() == before


@pytest.mark.parametrize("way", ["close", "take"])
def test_a_watch_is_told_once_while_the_descriptor_is_open(way: str) -> None:
    handle = new_handle()
    watch = handle._watch = Recorder(handle)
    if way == "close":
        handle.close()
    else:
        os.close(handle.take())
    assert watch.told == [True]
    assert watch.number not in open_fds()


def test_a_duplicate_is_a_second_owner(handle: Handle) -> None:
    with handle.duplicate() as second:
        assert second.fileno() != handle.fileno()
        assert second.koid == handle.koid
        assert not os.get_inheritable(second.fileno())
    handle.fileno()


def test_a_duplicate_may_have_fewer_rights_but_not_more(handle: Handle) -> None:
    with handle.duplicate(Rights.READ | Rights.DUPLICATE) as second:
        assert second.rights == Rights.READ | Rights.DUPLICATE
        with pytest.raises(InvalidArgs, match="WRITE"):
            second.duplicate(Rights.WRITE)
        with second.duplicate(Rights.READ) as third, pytest.raises(AccessDenied, match="DUPLICATE"):
            third.duplicate()


def test_replace_moves_the_object(handle: Handle) -> None:
    koid = handle.koid
    with handle.replace(Rights.READ) as second:
        assert handle.closed
        assert second.rights == Rights.READ
        assert second.koid == koid
        with second.replace() as third:
            assert second.closed
            assert third.rights == Rights.READ


def test_replace_closes_the_handle_even_when_it_fails() -> None:
    handle = new_handle(Rights.READ)
    with pytest.raises(InvalidArgs):
        handle.replace(Rights.WRITE)
    assert handle.closed


def test_replace_needs_no_right_to_duplicate() -> None:
    near, far = Channel.create()
    with far, near.replace(Rights.READ) as reader:
        far.write(b"x")
        assert reader.read().data == b"x"
        with pytest.raises(AccessDenied):
            reader.write(b"x")


def test_a_received_handle_is_looked_at_before_it_becomes_an_object() -> None:
    plain = Handle(Event.create().take())
    with pytest.raises(WrongType, match="EVENT, expected CHANNEL"):
        Channel.from_handle(plain)
    with Event.from_handle(plain) as event:  # it had stayed the caller's
        assert event.rights == Event.DEFAULT_RIGHTS
        event.signal()
    with pytest.raises(BadHandle):
        Event.from_handle(plain)


def test_a_received_handle_keeps_the_rights_it_was_narrowed_to() -> None:
    plain = Handle(Vmo.create(1).take(), BASIC | Rights.READ)
    with Vmo.from_handle(plain) as narrowed:
        assert narrowed.rights == BASIC | Rights.READ


def test_a_plain_handle_may_do_all_that_the_kernel_lets_it(handle: Handle) -> None:
    assert handle.rights == ALL


def test_moved_owns_what_it_took() -> None:
    first, second = new_handle(), new_handle()
    numbers = [first.fileno(), second.fileno()]
    with Moved([first]) as moved:
        moved.add(second)
        assert moved.fds == numbers
        assert first.closed
        assert second.closed
    assert moved.fds == []
    assert not set(numbers) & set(open_fds())


@pytest.mark.parametrize("culprit", ["closed", "twice", "right"])
def test_moved_moves_all_or_none(culprit: str) -> None:
    good = new_handle()
    bad = new_handle(~Rights.TRANSFER & ALL if culprit == "right" else None)
    if culprit == "closed":
        bad.close()
    several = [good, bad, bad] if culprit == "twice" else [good, bad]
    with pytest.raises((BadHandle, InvalidArgs, AccessDenied)):
        Moved(several)
    assert not good.closed
    assert bad.closed is (culprit == "closed")
    close_all([good, bad])


def test_forgotten_moved_handles_warn_and_close() -> None:
    before = open_fds()
    moved = Moved([new_handle()])
    with pytest.warns(ResourceWarning, match="unsent handles"):
        del moved
    assert open_fds() == before


def test_a_handle_tells_who_it_is() -> None:
    handle = new_handle()
    assert repr(handle) == f"<Handle fd={handle.fileno()}>"
    handle.close()
    assert repr(handle) == "<Handle closed>"


def test_restrict_gives_up_rights_and_gains_none() -> None:
    with Handle(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC), Rights.READ | Rights.WAIT) as null:
        null.restrict(Rights.READ | Rights.WRITE)
        assert null.rights == Rights.READ
    with pytest.raises(BadHandle):
        null.restrict(Rights.READ)
