"""How files behave, whoever opens them: plain threads, and tasks on each loop."""

from __future__ import annotations

import errno
import io
import os

import pytest

from ipcrt.objects.handle import Handle
from ipcrt.objects.vmo import Vmo
from tests.io.world import KINDS, Files, Opener, Story, serving, tell


async def bytes_come_as_they_are_whatever_their_messages(opener: Opener) -> None:
    async with await opener.open("parts:") as file:
        assert await file.read(2) == b"a\n"
        assert await file.read(0) == b""
        buffer = bytearray(1)
        assert await file.readinto(buffer) == 1
        assert bytes(buffer) == b"b"
        assert await file.read(100) == b"c\n\xff\x00"
        assert await file.read(1) == b""
        assert await file.read() == b""


async def lines_come_one_by_one(opener: Opener) -> None:
    async with await opener.open("parts:") as file:
        assert [line async for line in file] == [b"a\n", b"bc\n", b"\xff\x00"]


async def what_is_written_is_there_when_the_file_is_closed(opener: Opener) -> None:
    content = os.urandom(300_000)
    async with await opener.open("mem:///new", "wb") as file:
        assert await file.write(content[:100]) == 100
        assert await file.write(memoryview(content)[100:]) == len(content) - 100
        with pytest.raises(io.UnsupportedOperation):
            await file.read(1)
    assert opener.files["new"] == content
    async with await opener.open("mem:///new", "ab") as file:
        await file.write(b"more")
    async with await opener.open("mem:///new") as file:
        assert await file.read() == content + b"more"
        with pytest.raises(io.UnsupportedOperation):
            await file.write(b"x")
    with pytest.raises(FileExistsError):
        await opener.open("mem:///new", "xb")
    async with await opener.open("mem:///new", "wb"):
        pass
    assert opener.files["new"] == b""


async def a_file_is_read_and_written_at_any_offset(opener: Opener) -> None:
    opener.files["at"] = bytearray(b"0123456789")
    async with await opener.open("mem:///at", "r+b") as file:
        assert await file.seekable()
        assert await file.read(3) == b"012"
        assert await file.tell() == 3
        assert await file.seek(-2, io.SEEK_END) == 8
        assert await file.read(5) == b"89"
        assert await file.seek(2) == 2
        assert await file.write(b"ab") == 2
        assert await file.read(1) == b"4"
        assert await file.seek(-4, io.SEEK_CUR) == 1
        assert await file.read() == b"1ab456789"
        with pytest.raises(OSError, match="Invalid argument"):
            await file.seek(-1)
        assert await file.truncate(4) == 4
    assert opener.files["at"] == b"01ab"


async def what_is_appended_stands_at_the_end(opener: Opener) -> None:
    opener.files["log"] = bytearray(b"one\n")
    async with await opener.open("mem:///log", "a+b") as file:
        await file.seek(0)
        assert await file.read(2) == b"on"
        await file.write(b"two\n")
        await file.flush()
        assert await file.tell() == 8
        await file.seek(0)
        assert await file.read() == b"one\ntwo\n"


async def a_stream_goes_both_ways_and_nowhere_else(opener: Opener) -> None:
    async with await opener.open("echo:", "r+b") as file:
        await file.write(b"hello")
        await file.flush()
        assert await file.read(5) == b"hello"
        with pytest.raises(io.UnsupportedOperation):
            await file.seek(0)
        with pytest.raises(io.UnsupportedOperation):
            file.fileno()


async def errors_are_those_that_posix_programs_expect(opener: Opener) -> None:
    for uri, kind, number in (
        ("mem:///none", FileNotFoundError, errno.ENOENT),
        ("refused://EACCES", PermissionError, errno.EACCES),
        ("refused://EINVAL", OSError, errno.EINVAL),
        ("nowhere:", FileNotFoundError, errno.ENOENT),
        ("a#b", OSError, errno.EINVAL),
    ):
        with pytest.raises(kind) as caught:
            await opener.open(uri)
        assert (caught.value.errno, caught.value.filename) == (number, uri)
        assert caught.value.__cause__ is not None
    with pytest.raises(ValueError, match="invalid mode"):
        await opener.open("parts:", "q")


async def an_error_in_the_middle_comes_behind_the_data(opener: Opener) -> None:
    async with await opener.open("breaks:") as file:
        assert await file.read(6) == b"so far"
        with pytest.raises(OSError, match="No space") as caught:
            await file.read(1)
        assert caught.value.errno == errno.ENOSPC
        assert await file.read(1) == b""


async def a_write_that_failed_is_told_when_the_file_closes(opener: Opener) -> None:
    file = await opener.open("full:", "wb")
    await file.write(b"x")
    with pytest.raises(OSError, match="No space"):
        await file.aclose()
    assert file.closed


async def a_server_that_knows_no_end_is_hung_up_on(opener: Opener) -> None:
    async with await opener.open("naive://log", "wb") as file:
        await file.write(b"taken")
    assert opener.files["log"].startswith(b"taken")


async def a_read_that_times_out_loses_nothing(opener: Opener) -> None:
    async with await opener.open("silent:", "r+b", timeout=0.02) as file:
        with pytest.raises(TimeoutError) as caught:
            await file.read1(1)
        assert caught.value.errno == errno.ETIMEDOUT
        await file.write(b"speak")
        await file.flush()
        while True:
            try:
                assert await file.read1(100) == b"spoke"
            except TimeoutError:
                continue
            break


async def a_write_that_times_out_loses_nothing(opener: Opener) -> None:
    file = await opener.open("stalls:", "wb", timeout=0.02)

    async def write_on() -> None:
        while True:
            await file.write(bytes(60_000))

    with pytest.raises(TimeoutError):
        await write_on()
    with pytest.raises(TimeoutError):
        await file.aclose()
    assert file.closed


async def a_closed_file_says_so(opener: Opener) -> None:
    file = await opener.open("parts:")
    await file.aclose()
    await file.aclose()
    assert file.closed
    for call in (file.read, file.readline, file.tell):
        with pytest.raises(ValueError, match="closed"):
            await call()


async def a_descriptor_that_the_server_gives_is_the_file(opener: Opener) -> None:
    opener.files["mem"] = bytearray(b"line\n" * 3)
    async with await opener.open("fd:///mem", "r+b") as file:
        assert os.fstat(file.fileno()).st_size == 15
        os.lseek(file.fileno(), 7, os.SEEK_SET)  # a peer may: the offset is shared
        assert await file.read(5) == b"line\n"
        await file.seek(0)
        await file.write(b"LINE")
        await file.seek(0)
        assert [line async for line in file] == [b"LINE\n", b"line\n", b"line\n"]
    async with await opener.open("socket:") as file:
        assert [line async for line in file] == [b"by a socket\n", b"to you"]
        assert not await file.seekable()


async def a_pipe_is_waited_for(opener: Opener) -> None:
    async with await opener.open("fifo:", timeout=0.02) as file:
        with pytest.raises(TimeoutError):
            await file.read1(1)
        await opener.invoke("say", b"word")
        assert await file.read() == b"word"


async def any_handle_becomes_a_file(opener: Opener) -> None:
    async with await opener.file_of(Vmo.from_bytes(b"memory"), "r+b") as file:
        assert await file.read() == b"memory"
        assert await file.truncate(2) == 2
        await file.seek(0)
        assert await file.read() == b"me"
    near, far = os.pipe2(os.O_CLOEXEC)
    out = await opener.file_of(Handle(far), "wb")
    async with await opener.file_of(Handle(near)) as file:
        async with out:
            await out.write(b"through a pipe")
        assert await file.read() == b"through a pipe"
    with pytest.raises(BrokenPipeError):
        async with await opener.file_of(_write_end_of_nobody(), "wb") as out:
            await out.write(b"lost")


async def a_handle_that_is_no_such_file_is_refused(opener: Opener) -> None:
    with pytest.raises(PermissionError):
        await opener.file_of(_write_end_of_nobody(), "rb")
    with pytest.raises(IsADirectoryError):
        await opener.file_of(Handle(os.open("/", os.O_RDONLY | os.O_CLOEXEC)))
    with pytest.raises(PermissionError):
        await opener.file_of(Handle(os.open("/", os.O_PATH | os.O_CLOEXEC)))


def _write_end_of_nobody() -> Handle:
    near, far = os.pipe2(os.O_CLOEXEC)
    os.close(near)
    return Handle(far)


async def a_real_file_is_written_beside_the_loop(opener: Opener) -> None:
    name = f"/tmp/ipcrt-io-{os.getpid()}"
    fd = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    os.unlink(name)
    async with await opener.file_of(Handle(fd), "a+b") as file:
        await file.write(bytes(100_000))
        await file.write(b"end")
        assert await file.tell() == 100_003
        await file.seek(100_000)
        assert await file.read() == b"end"


STORIES: tuple[Story, ...] = (
    bytes_come_as_they_are_whatever_their_messages,
    lines_come_one_by_one,
    what_is_written_is_there_when_the_file_is_closed,
    a_file_is_read_and_written_at_any_offset,
    what_is_appended_stands_at_the_end,
    a_stream_goes_both_ways_and_nowhere_else,
    errors_are_those_that_posix_programs_expect,
    an_error_in_the_middle_comes_behind_the_data,
    a_write_that_failed_is_told_when_the_file_closes,
    a_server_that_knows_no_end_is_hung_up_on,
    a_read_that_times_out_loses_nothing,
    a_write_that_times_out_loses_nothing,
    a_closed_file_says_so,
    a_descriptor_that_the_server_gives_is_the_file,
    a_pipe_is_waited_for,
    any_handle_becomes_a_file,
    a_handle_that_is_no_such_file_is_refused,
    a_real_file_is_written_beside_the_loop,
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("story", STORIES, ids=lambda each: each.__name__)
def test_files(story: Story, kind: str) -> None:
    files: Files = {}
    with serving("asyncio", files) as listen:
        tell(story, kind, listen, files)


@pytest.mark.parametrize("kind", KINDS)
def test_files_of_a_server_on_trio(kind: str) -> None:
    files: Files = {}
    with serving("trio", files) as listen:
        tell(what_is_written_is_there_when_the_file_is_closed, kind, listen, files)
        tell(a_file_is_read_and_written_at_any_offset, kind, listen, files)
