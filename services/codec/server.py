"""The codecs' servers: one object for each client, and one for each codec that it makes.

1. A codec is counted from the moment that it is asked for, by user: a client that connects anew has
   no more of them.
2. Blobs of one codec go through one after the other, its streams beside them; all codecs take turns
   on one thread, a small piece each. So nobody waits for somebody else's big blob.
3. What a turn uses is closed on that thread, too: never while it is in use.
"""

from __future__ import annotations

import collections
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio
import anyio.to_thread

from ipcrt.bindings.arguments import Answer
from ipcrt.bindings.ends import ServerEnd
from ipcrt.bindings.server import Limits, ServerBinding
from ipcrt.errors import IpcError, NoResources, NotSupported
from ipcrt.locator.session import refuse
from ipcrt.objects.socket import Socket
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import AsyncPort
from ipcrt_services.codec.bindings import (
    MAX_CODECS,
    MAX_STREAMS,
    Codec,
    CodecCompressResponse,
    CodecDecompressResponse,
    CodecServer,
    CodecsServer,
    CodecStreamResponse,
    CodecWatchResponse,
    CreateError,
    CreateFailed,
    Direction,
    Format,
    Settings,
    StreamError,
    StreamFailed,
)
from ipcrt_services.codec.blob import BlobJob
from ipcrt_services.codec.coders import Coder, Coders, load
from ipcrt_services.codec.settings import CodecSettings
from ipcrt_services.codec.stream import Stream
from ipcrt_services.worker import Worker, call_each

CLIENT_LIMITS: Final = Limits(calls_in_flight=MAX_CODECS + 1, message_bytes=256)
CODEC_LIMITS: Final = Limits(calls_in_flight=16, message_bytes=1024)


class Workshop:
    """What all clients share; made by `open_workshop`."""

    def __init__(self, port: AsyncPort, load_coders: Callable[[Format], Coders] = load) -> None:
        """`load_coders` runs in a thread of its own: it may take its time."""
        self.port = port
        self.codecs: collections.Counter[int] = collections.Counter()
        """Open codecs by uid."""
        self.worker: Worker[Callable[[], Any], Any] = Worker(port, call_each, "codec", 1)
        self._load = load_coders

    async def create(self, uid: int, format_: Format, end: ServerEnd[Codec]) -> None:
        """Serve a codec; on error its end is closed with the error's status.

        Raises: NotSupported, NoResources.
        """
        with end:
            try:
                await self._create(uid, format_, end)
            except (NotSupported, NoResources) as error:
                refuse(end.take_channel(), error.status)
                raise

    async def _create(self, uid: int, format_: Format, end: ServerEnd[Codec]) -> None:
        if self.codecs[uid] >= MAX_CODECS:
            raise NoResources(f"uid {uid} has {MAX_CODECS} codecs, the limit")
        self.codecs[uid] += 1
        try:
            coders = await anyio.to_thread.run_sync(self._load, format_)
            server = CodecClient(self, coders, uid)
            ServerBinding(end, server, self.port, CODEC_LIMITS)
        except BaseException:
            self.release(uid)
            raise

    def release(self, uid: int) -> None:
        """Count one codec less."""
        self.codecs[uid] -= 1
        if not self.codecs[uid]:
            del self.codecs[uid]


@asynccontextmanager
async def open_workshop(
    port: AsyncPort, load_coders: Callable[[Format], Coders] = load
) -> AsyncGenerator[Workshop, None]:
    """Run the thread that does the work; on leaving, what is not done is given up."""
    workshop = Workshop(port, load_coders)
    try:
        yield workshop
    finally:
        workshop.worker.close()


class CodecsClient(CodecsServer):
    """One client that makes codecs."""

    def __init__(self, workshop: Workshop, uid: int) -> None:
        """`uid` is the client's, as the kernel told the locator."""
        self._workshop = workshop
        self._uid = uid

    async def create(self, format: Format, codec: ServerEnd[Codec]) -> None:  # noqa: A002
        try:
            await self._workshop.create(self._uid, format, codec)
        except (NotSupported, NoResources):
            return  # the codec's own channel has told

    async def try_to_create(
        self,
        format: Format,  # noqa: A002
        codec: ServerEnd[Codec],
    ) -> None:
        try:
            await self._workshop.create(self._uid, format, codec)
        except NotSupported:
            raise CreateFailed(CreateError.UNKNOWN_FORMAT) from None
        except NoResources:
            raise CreateFailed(CreateError.TOO_MANY) from None


class CodecClient(CodecServer):
    """One codec; it lives as long as its own channel, not the one that it was made over."""

    def __init__(self, workshop: Workshop, coders: Coders, uid: int) -> None:
        self._workshop = workshop
        self._coders = coders
        self._uid = uid
        self._settings = CodecSettings()
        self._watcher = self._settings.watched.watcher()
        self._blobs = anyio.Lock()
        self._streams = 0

    def client_gone(self, reason: IpcError) -> None:
        del reason
        self._workshop.release(self._uid)

    # ---- blobs

    async def compress(self, blob: Vmo) -> CodecCompressResponse:
        coder = self._coders.encoder(self._settings.level)
        return CodecCompressResponse(await self._convert(blob, coder))

    async def decompress(self, blob: Vmo) -> CodecDecompressResponse:
        return CodecDecompressResponse(await self._convert(blob, self._coders.decoder()))

    async def _convert(self, blob: Vmo, coder: Coder) -> Vmo:
        limit = self._settings.max_output_bytes  # as it is now: not when its turn comes
        worker = self._workshop.worker
        job = BlobJob(blob, coder, limit)
        try:
            async with self._blobs:
                while not await worker.submit(job.step):
                    pass
            return job.take_result()
        finally:
            worker.post(job.close)  # rule 3

    # ---- streams

    async def stream(
        self,
        direction: Direction,
        input: Socket,  # noqa: A002
        output: Socket,
    ) -> CodecStreamResponse:
        with input, output:
            if self._streams >= MAX_STREAMS:
                raise StreamFailed(StreamError.TOO_MANY)
            if direction is Direction.COMPRESS:
                coder = self._coders.encoder(self._settings.level)
            else:
                coder = self._coders.decoder()
            stream = Stream(self._workshop.port, self._workshop.worker, coder, input, output)
            self._streams += 1
            try:
                await stream.run()
            finally:
                self._streams -= 1
            return CodecStreamResponse(stream.read_bytes, stream.written_bytes)

    # ---- settings

    def update(self, settings: Settings) -> None:
        self._settings.update(settings)

    def replace(self, settings: Settings) -> None:
        self._settings.replace(settings)

    def watch(self) -> Answer[CodecWatchResponse]:
        return self._watcher.answer(CodecWatchResponse)
