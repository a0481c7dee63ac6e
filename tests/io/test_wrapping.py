from __future__ import annotations

import io

import pytest

from ipcrt.io.modes import Mode
from ipcrt.io.opening import file_of
from ipcrt.io.raw import ResourceFile
from ipcrt.io.source import Source
from ipcrt.io.wrapping import BUFFER_BYTES, Wrapping
from ipcrt.objects.socket import Socket
from ipcrt.objects.vmo import Vmo


def test_arguments_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="buffered"):
        Wrapping(Mode.parse("r"), 0)
    for name in ("encoding", "errors", "newline"):
        with pytest.raises(ValueError, match="binary"):
            Wrapping(Mode.parse("rb"), **{name: "strict"})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "mode, buffering, kind",
    [
        ("rb", 0, ResourceFile),
        ("rb", -1, io.BufferedReader),
        ("wb", -1, io.BufferedWriter),
        ("r+b", -1, io.BufferedRandom),
        ("r", -1, io.TextIOWrapper),
        ("w+", 1, io.TextIOWrapper),
    ],
)
def test_what_is_around_a_file_is_what_open_puts_there(
    mode: str, buffering: int, kind: type[object]
) -> None:
    with file_of(Vmo.from_bytes(b""), mode, buffering) as file:
        assert type(file) is kind
        if isinstance(file, io.TextIOWrapper):
            assert file.encoding == "utf-8"
            assert file.line_buffering is (buffering == 1)


def test_what_goes_both_ways_has_a_buffer_each() -> None:
    near, far = Socket.create()
    with file_of(near, "r+b") as file, file_of(far, "r+b") as other:
        assert isinstance(file, io.BufferedRWPair)
        file.write(b"there\n")
        file.flush()
        assert other.readline() == b"there\n"


def test_a_decoder_that_is_none_closes_the_file() -> None:
    with pytest.raises(LookupError):
        file_of(Vmo.from_bytes(b""), "r", encoding="no such code")


class Recording(Source):
    """Notes how long each write is; who asks whether it has offsets is refused."""

    def __init__(self) -> None:
        self.lengths: list[int] = []
        self.closed = False

    async def write(self, view: memoryview, timeout: float | None) -> int:
        self.lengths.append(len(view))
        return len(view)

    async def can_seek(self) -> bool:
        raise PermissionError

    def close(self) -> None:
        self.closed = True


def test_a_buffer_to_be_written_holds_no_more_than_a_packet() -> None:
    source = Recording()
    mode = Mode.parse("wb")
    with Wrapping(mode, 1 << 20).around(ResourceFile(source, mode, "", None)) as file:
        for _ in range(100):
            file.write(bytes(2000))
    assert sum(source.lengths) == 200_000
    assert max(source.lengths) <= BUFFER_BYTES


def test_a_file_that_is_not_wrapped_is_closed() -> None:
    source = Recording()
    mode = Mode.parse("r+b")
    raw = ResourceFile(source, mode, "", None)
    with pytest.raises(PermissionError):
        Wrapping(mode).around(raw)
    assert raw.closed
    assert source.closed
