"""Both twins of what makes structs with handles, and of what makes and looks at handles."""

from __future__ import annotations

import gc
import os
import re
import socket
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Final

import pytest

from ipcrt.bindings import direct as module
from ipcrt.bindings.direct import Direct, direct_for
from ipcrt.bindings.discard import close_handles
from ipcrt.bindings.structs import Struct
from ipcrt.errors import InvalidArgs, IpcError, WrongType
from ipcrt.objects import handle as handle_module
from ipcrt.objects import kind
from ipcrt.objects.event import Event
from ipcrt.objects.handle import Handle, close_all
from ipcrt.objects.kind import ObjType
from ipcrt.objects.rights import BASIC, Rights
from ipcrt.objects.timer import Timer
from ipcrt.objects.vmo import Vmo
from tests._speedups.twins import TWINS, growth_in_blocks, native, take
from tests.bindings.calc import File
from tests.bindings.hand import null
from tests.bindings.structs_with_handles import Ends, Late, Lent, Modes, Pair, Parcel, View
from tests.support.proc import open_fds

FULL: Final = b"\x95\x05\xd4\x01\x00\xa3abc\xd4\x01\x01\x01"
MAKERS: Final[dict[str, Callable[[], Handle]]] = {
    "null": null,
    "event": lambda: Handle(Event.create().take()),
    "timer": lambda: Handle(Timer.create().take()),
    "vmo": lambda: Handle(Vmo.create(1).take()),
    "few rights": lambda: Handle(Event.create().take(), BASIC & ~Rights.WAIT),
    "an event already": Event.create,
}


def _closed() -> Handle:
    handle = null()
    handle.close()
    return handle


MAKERS["closed"] = _closed


def twin_of(twin: str, type_: type[Any], patch: pytest.MonkeyPatch) -> Direct:
    take(twin, "own", handle_module._choose_own)(handle_module._own, Handle)
    patch.setattr(module, "make_direct", take(twin, "direct", module._direct))
    found = direct_for(type_)
    assert found is not None
    return found


def outcome(call: Callable[[], Any], handles: Sequence[Handle]) -> object:
    """What a call answers or raises, and what has become of the handles; all are closed."""
    value = None
    try:
        value = call()
        told: object = re.sub(r"fd=\d+", "fd", repr(value))
    except (IpcError, ValueError) as error:
        told = type(error), str(error)
    after = [(type(each).__name__, each.closed, each.rights, each.asked) for each in handles]
    before = len(open_fds())
    close_all(handles)
    close_handles(value)
    return told, after, before - len(open_fds())


DECODED: Final[list[tuple[type[Any], bytes, list[str]]]] = [
    (File, b"\x91\xd4\x01\x00", ["null"]),
    (File, b"\x91\xd4\x01\x00", ["event"]),
    (File, b"\x91\xd4\x01\x00", ["an event already"]),
    (File, b"\x91\xd4\x01\x00", ["closed"]),
    (File, b"\x91\xd4\x01\x00", []),
    (File, b"\x91\xd4\x01\x00", ["null", "null"]),
    (File, b"\x91\xc0", []),
    (File, b"\x91\xc7\x01\x01\x00", ["null"]),
    (File, b"\x91\xd4\x01\x01", ["null"]),
    (File, b"\x91\xd4\x01\x00\xc0", ["null"]),
    (File, b"\x91\xd4\x01", ["null"]),
    (File, b"\x91", ["null"]),
    (File, b"", ["null"]),
    (Pair, b"\x92\xd4\x01\x00\xd4\x01\x01", ["event", "vmo"]),
    (Pair, b"\x92\xd4\x01\x00\xd4\x01\x01", ["event", "null"]),
    (Pair, b"\x92\xd4\x01\x00\xd4\x01\x01", ["timer", "vmo"]),
    (Pair, b"\x92\xd4\x01\x01\xd4\x01\x00", ["vmo", "event"]),
    (Lent, b"\x92\xd4\x01\x00\xd4\x01\x01", ["null", "event"]),
    (Lent, b"\x92\xd4\x01\x00\xd4\x01\x01", ["null", "few rights"]),
    (Lent, b"\x92\xd4\x01\x00\xd4\x01\x01", ["null", "vmo"]),
    (View, b"\x91\xc0", []),
    (View, b"\x91\xc0", ["vmo"]),
    (View, b"\x91\xd4\x01\x00", ["vmo"]),
    (Late, b"\x92\xd4\x01\x00\x05", ["null"]),
    (Late, b"\x91\xd4\x01\x00", ["null"]),
    (Parcel, FULL, ["event", "null"]),
    (Parcel, FULL, ["timer", "null"]),
    (Parcel, FULL.replace(b"\xa3abc", b"\xa6\xc3\xa9\xc3\xa9\xc3\xa9"), ["event", "null"]),
    (Parcel, FULL[:-1], ["event", "null"]),
    (Parcel, b"\x95\x05\xd4\x01\x00\xa3abc\xc0\x01", ["event"]),
    (Parcel, b"\x95\x05\xc0\xa3abc\xd4\x01\x00\x01", ["event"]),
    (Parcel, b"\x95\x05" + b"\x91" * 5000, ["event", "null"]),
    (Ends, b"\x92\xc0\xc0", []),
]


@pytest.mark.parametrize("type_, body, names", DECODED)
@pytest.mark.parametrize("view", [bytes, memoryview])
def test_what_comes_is_read_the_same(
    type_: type[Any], body: bytes, names: list[str], view: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    native()
    found: list[object] = []
    before = open_fds()
    for twin in TWINS:
        codec = twin_of(twin, type_, monkeypatch)
        handles = [MAKERS[name]() for name in names]
        found.append(outcome(lambda c=codec, h=handles: c.decode(view(body), h), handles))  # type: ignore[misc]
    assert found[0] == found[1]
    assert open_fds() == before


ENCODED: Final[list[Callable[[Event, Vmo, Handle], object]]] = [
    lambda mark, vmo, file: File(file),
    lambda mark, vmo, file: File(mark),
    lambda mark, vmo, file: File(vmo),
    lambda mark, vmo, file: File(None),  # type: ignore[arg-type]
    lambda mark, vmo, file: (file,),
    lambda mark, vmo, file: Pair(mark, vmo),
    lambda mark, vmo, file: Pair(vmo, mark),  # type: ignore[arg-type]
    lambda mark, vmo, file: View(vmo),
    lambda mark, vmo, file: View(None),
    lambda mark, vmo, file: Lent(file, mark),
    lambda mark, vmo, file: Lent(vmo, mark),
    lambda mark, vmo, file: Late(file, 1 << 40),
    lambda mark, vmo, file: Late(file, "no number"),  # type: ignore[arg-type]
    lambda mark, vmo, file: Parcel(5, mark, "abc", file, Modes.FAST),
    lambda mark, vmo, file: Parcel(5, mark, "abc", None, Modes.FAST),
    lambda mark, vmo, file: Parcel(256, mark, "abc", None, Modes.FAST),
    lambda mark, vmo, file: Parcel(5, mark, "ééé", None, Modes.FAST),
    lambda mark, vmo, file: Parcel(object(), mark, "", None, Modes.FAST),  # type: ignore[arg-type]
    lambda mark, vmo, file: Ends(None, None),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("make", ENCODED)
@pytest.mark.parametrize("rights", [None, Rights.TRANSFER], ids=["all rights", "hardly any"])
def test_what_goes_is_written_the_same(
    make: Callable[[Event, Vmo, Handle], object],
    rights: Rights | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    native()
    found: list[object] = []
    for twin in TWINS:
        with Event.create() as mark, Vmo.create(1) as vmo, null() as file:
            several: list[Handle] = [mark, vmo, file]
            if rights is not None:
                for each in several:
                    each.restrict(rights)
            value = make(mark, vmo, file)
            type_ = type(value) if isinstance(value, Struct) else File
            codec = twin_of(twin, type_, monkeypatch)
            encoded = codec.encode(value)
            body, handles = encoded or (None, [])
            sent = [several.index(each) for each in handles]
            found.append((body, sent, [each.rights for each in several]))
    assert found[0] == found[1]


@pytest.mark.parametrize("twin", TWINS)
def test_nothing_is_left_of_many(twin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    native()
    codec = twin_of(twin, Parcel, monkeypatch)
    bare = twin_of(twin, File, monkeypatch)

    def there_and_back() -> None:
        raw = [MAKERS["event"](), null()]
        value = codec.decode(FULL, raw)
        assert codec.encode(value) == (FULL, raw)
        bare.encode(File(raw[1]))
        close_all(raw)

    assert growth_in_blocks(there_and_back) < 30


# ---- handles


@pytest.fixture(params=TWINS)
def own(request: pytest.FixtureRequest) -> Callable[[Any], list[Handle]]:
    return take(request.param, "own", handle_module._choose_own)(handle_module._own, Handle)


def test_numbers_become_handles_which_own_them(own: Callable[[Any], list[Handle]]) -> None:
    fds = [os.dup(0) for _ in range(65)]
    numbers = [*fds]
    handles = own(fds)
    assert fds == []
    assert [each.fileno() for each in handles] == numbers
    for each in handles:
        assert type(each) is Handle
        assert (each.rights, each._watch, each._held_back, each.asked) == (
            Handle.DEFAULT_RIGHTS,
            None,
            False,
            None,
        )
    close_all(handles)
    assert own([]) == []


@pytest.mark.parametrize("wrong, error", [([-1], InvalidArgs), (["0"], TypeError)])
def test_what_is_no_number_becomes_no_handle(
    own: Callable[[Any], list[Handle]], wrong: list[Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        own(wrong)


@pytest.mark.parametrize("expected", ObjType)
@pytest.mark.parametrize("name", ["null", "event", "timer", "vmo", "socket", "none"])
def test_a_kind_is_told_the_same(name: str, expected: ObjType) -> None:
    def look(check: Callable[[int, ObjType], None], fd: int) -> object:
        try:
            check(fd, expected)
        except IpcError as error:
            return type(error), str(error)
        return None

    with socket.socket() as sock:
        handle = None if name in {"socket", "none"} else MAKERS[name]()
        fd = handle.fileno() if handle else sock.fileno() if name == "socket" else 9999
        found = [look(take(twin, "check_kind", kind._check_kind), fd) for twin in TWINS]
        if handle is not None:
            handle.close()
    native()
    assert found[0] == found[1]


def test_a_path_to_an_eventfds_name_is_none(tmp_path: Any) -> None:
    """Nor can a file be called so that it passes for one."""
    check = take("native", "check_kind", kind._check_kind)
    (tmp_path / "anon_inode:[eventfd]").touch()
    here = os.open(tmp_path / "anon_inode:[eventfd]", os.O_RDONLY)
    with Handle(here) as file, pytest.raises(WrongType, match="NONE, expected EVENT"):
        check(file.fileno(), ObjType.EVENT)


def test_no_memory_leaves_no_descriptor(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = pytest.importorskip("_testcapi")
    codec = twin_of("native", Parcel, monkeypatch)
    own = take("native", "own", handle_module._choose_own)(handle_module._own, Handle)
    before = open_fds()
    gc.collect()
    for nth in range(40):
        fds = [Event.create().take(), null().take()]
        kept, handles, value = [*fds], None, None
        memory.set_nomemory(nth, nth + 1)
        try:
            handles = own(fds)
            value = codec.decode(FULL, handles)
        except MemoryError:
            pass
        finally:
            memory.remove_mem_hooks()
        if handles is None:
            assert fds == kept
            close_all(map(Handle, fds))
        else:
            close_all(handles)
        del value
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gc.collect()
    assert open_fds() == before
