# Library ipcrt.codec: generated; do not edit.
"""Codecs that compress: blobs as memory, streams as sockets, with settings of the client's own."""

from __future__ import annotations

import enum
from abc import abstractmethod
from typing import Annotated, Final

from ipcrt.bindings.abstract_server import Server
from ipcrt.bindings.arguments import Answer
from ipcrt.bindings.ends import Protocol, ServerEnd
from ipcrt.bindings.enums import FlexibleUint32
from ipcrt.bindings.errors import DomainError
from ipcrt.bindings.needs import needs
from ipcrt.bindings.proxy import BlockingProxy, Done, Proxy
from ipcrt.bindings.scalars import Uint32, Uint64
from ipcrt.bindings.table import Table
from ipcrt.bindings.tables import OneWay, Openness, ProtocolTable, Struct, TwoWay
from ipcrt.objects.rights import Rights
from ipcrt.objects.socket import Socket
from ipcrt.objects.vmo import Vmo

MAX_BLOB_BYTES: Final = 67108864
"""Bytes of the largest blob, going in or coming out."""
MAX_CODECS: Final = 16
"""Codecs that the clients of one user may have open, those being made included."""
MAX_STREAMS: Final = 4
"""Streams that one codec may have under way."""


class Format(FlexibleUint32):
    """What compressed bytes look like."""

    ZLIB = 1
    """RFC 1950."""
    BZ2 = 2
    """What bzip2 writes."""
    LZMA = 3
    """What xz writes, of LZMA2."""


class Direction(enum.IntEnum):
    """Which way a stream goes."""

    COMPRESS = 1
    """Bytes of any kind in, the codec's format out."""
    DECOMPRESS = 2
    """The codec's format in, the bytes that were compressed out."""


class CreateError(FlexibleUint32):
    """Why a codec was not made; its channel is closed."""

    UNKNOWN_FORMAT = 1
    """None that is known here; the channel says NOT_SUPPORTED."""
    TOO_MANY = 2
    """Close others first; the channel says NO_RESOURCES."""


class BlobError(FlexibleUint32):
    """Why there is no result. The blob is as it was."""

    TOO_LARGE = 1
    """The blob exceeds `MAX_BLOB_BYTES`."""
    OUTPUT_TOO_LARGE = 2
    """The result would exceed the `max_output_bytes` that is set, or its default."""
    MALFORMED = 3
    """Not in the codec's format, cut off, followed by something else, or made to need more memory
    than a codec has.
    """
    CHANGED = 4
    """The blob shrank while it was read."""


class StreamError(FlexibleUint32):
    """Why a stream ended early; its sockets are closed."""

    MALFORMED = 1
    """As `BlobError.MALFORMED`."""
    CANCELED = 2
    """The other end of one of the sockets was closed."""
    TOO_MANY = 3
    """The codec has `MAX_STREAMS` under way."""


class SettingsError(FlexibleUint32):
    """Why settings were refused, all of them."""

    LEVEL_OUT_OF_RANGE = 1
    """The level is not from 1 to 9."""
    MAX_OUTPUT_BYTES_OUT_OF_RANGE = 2
    """`max_output_bytes` is not from 1 to `MAX_BLOB_BYTES`."""


class CreateFailed(DomainError[CreateError]):
    ERROR = CreateError


class BlobFailed(DomainError[BlobError]):
    ERROR = BlobError


class StreamFailed(DomainError[StreamError]):
    ERROR = StreamError


class SettingsFailed(DomainError[SettingsError]):
    ERROR = SettingsError


class Settings(Table, ordinals=(1, 2)):
    """What a client may set. Of a member that is absent the default holds."""

    level: Uint32 | None = None
    """From 1, the fastest, to 9, the smallest; 6 by default."""
    max_output_bytes: Uint64 | None = None
    """Where the output of `Compress` or `Decompress` is given up: from 1 to `MAX_BLOB_BYTES`, which
    is the default.
    """


class CodecsCreateRequest(Struct):
    format: Format
    codec: ServerEnd[Codec]


class CodecsTryToCreateRequest(Struct):
    format: Format
    codec: ServerEnd[Codec]


class CodecCompressRequest(Struct):
    blob: Annotated[Vmo, needs(Rights.READ)]


class CodecCompressResponse(Struct):
    result: Annotated[Vmo, needs(Rights.DUPLICATE | Rights.TRANSFER | Rights.READ | Rights.MAP)]


class CodecDecompressRequest(Struct):
    blob: Annotated[Vmo, needs(Rights.READ)]


class CodecDecompressResponse(Struct):
    result: Annotated[Vmo, needs(Rights.DUPLICATE | Rights.TRANSFER | Rights.READ | Rights.MAP)]


class CodecStreamRequest(Struct):
    direction: Direction
    input: Annotated[Socket, needs(Rights.READ | Rights.WAIT)]
    output: Annotated[Socket, needs(Rights.WRITE | Rights.WAIT)]


class CodecStreamResponse(Struct):
    read_bytes: Uint64
    written_bytes: Uint64


class CodecUpdateRequest(Struct):
    settings: Settings


class CodecReplaceRequest(Struct):
    settings: Settings


class CodecWatchResponse(Struct):
    settings: Settings


class Codecs(Protocol):
    """Makes codecs."""


class Codec(Protocol):
    """One codec; it lives as long as its own channel."""


CODECS_CREATE = OneWay("ipcrt.codec/Codecs.Create", CodecsCreateRequest)
CODECS_TRY_TO_CREATE = TwoWay(
    "ipcrt.codec/Codecs.TryToCreate", CodecsTryToCreateRequest, type(None), raises=CreateFailed
)
Codecs.TABLE = ProtocolTable(
    "ipcrt.codec/Codecs", Openness.OPEN, (CODECS_CREATE, CODECS_TRY_TO_CREATE)
)

CODEC_COMPRESS = TwoWay(
    "ipcrt.codec/Codec.Compress", CodecCompressRequest, CodecCompressResponse, raises=BlobFailed
)
CODEC_DECOMPRESS = TwoWay(
    "ipcrt.codec/Codec.Decompress",
    CodecDecompressRequest,
    CodecDecompressResponse,
    raises=BlobFailed,
)
CODEC_STREAM = TwoWay(
    "ipcrt.codec/Codec.Stream", CodecStreamRequest, CodecStreamResponse, raises=StreamFailed
)
CODEC_UPDATE = TwoWay(
    "ipcrt.codec/Codec.Update", CodecUpdateRequest, type(None), raises=SettingsFailed
)
CODEC_REPLACE = TwoWay(
    "ipcrt.codec/Codec.Replace", CodecReplaceRequest, type(None), raises=SettingsFailed
)
CODEC_WATCH = TwoWay("ipcrt.codec/Codec.Watch", type(None), CodecWatchResponse)
Codec.TABLE = ProtocolTable(
    "ipcrt.codec/Codec",
    Openness.OPEN,
    (CODEC_COMPRESS, CODEC_DECOMPRESS, CODEC_STREAM, CODEC_UPDATE, CODEC_REPLACE, CODEC_WATCH),
)


class CodecsProxy(Proxy[Codecs]):
    """A client, awaited; `_now` sends now or raises ShouldWait, `_soon` lines up."""

    PROTOCOL = Codecs
    __slots__ = ()

    async def create(self, format: Format, codec: ServerEnd[Codec]) -> None:
        """Serve `codec`. The client may call on its own end at once.

        Nothing answers: where no codec is made, the channel is closed with a status, with which the
        calls that were made ahead fail, and all later ones.
        """
        await self._send(CODECS_CREATE, CodecsCreateRequest(format, codec))

    def create_now(self, format: Format, codec: ServerEnd[Codec]) -> None:
        self._send_now(CODECS_CREATE, CodecsCreateRequest(format, codec))

    def create_soon(self, format: Format, codec: ServerEnd[Codec], on_sent: Done) -> bool:
        return self._send_soon(CODECS_CREATE, CodecsCreateRequest(format, codec), on_sent)

    async def try_to_create(
        self, format: Format, codec: ServerEnd[Codec], *, timeout: float | None = 25.0
    ) -> None:
        """The same, for a client that has something else to do where no codec is made.

        Raises: CreateFailed.
        """
        await self._call(CODECS_TRY_TO_CREATE, CodecsTryToCreateRequest(format, codec), timeout)


class CodecsBlockingProxy(BlockingProxy[Codecs]):
    """A client, blocking its thread; see `CodecsProxy`."""

    PROTOCOL = Codecs
    __slots__ = ()

    def create(self, format: Format, codec: ServerEnd[Codec]) -> None:
        self._send(CODECS_CREATE, CodecsCreateRequest(format, codec))

    def create_now(self, format: Format, codec: ServerEnd[Codec]) -> None:
        self._send_now(CODECS_CREATE, CodecsCreateRequest(format, codec))

    def try_to_create(
        self, format: Format, codec: ServerEnd[Codec], *, timeout: float | None = 25.0
    ) -> None:
        self._call(CODECS_TRY_TO_CREATE, CodecsTryToCreateRequest(format, codec), timeout)


class CodecsServer(Server[Codecs]):
    """Serves one client; see `CodecsProxy`."""

    PROTOCOL = Codecs

    @abstractmethod
    def create(self, format: Format, codec: ServerEnd[Codec]) -> Answer[None]: ...

    @abstractmethod
    def try_to_create(self, format: Format, codec: ServerEnd[Codec]) -> Answer[None]: ...


class CodecProxy(Proxy[Codec]):
    """A client, awaited."""

    PROTOCOL = Codec
    __slots__ = ()

    async def compress(self, blob: Vmo, *, timeout: float | None = 25.0) -> CodecCompressResponse:
        """Answer the blob compressed.

        The blob is read, never mapped or written, and need not be sealed: a client that changes it
        meanwhile gets what it made of it. The result is sealed, so it can be mapped, and its
        content size is exact.

        Raises: BlobFailed.
        """
        return await self._call(CODEC_COMPRESS, CodecCompressRequest(blob), timeout)

    async def decompress(
        self, blob: Vmo, *, timeout: float | None = 25.0
    ) -> CodecDecompressResponse:
        """Answer what was compressed to the blob; else as `Compress`.

        Raises: BlobFailed.
        """
        return await self._call(CODEC_DECOMPRESS, CodecDecompressRequest(blob), timeout)

    async def stream(
        self, direction: Direction, input: Socket, output: Socket, *, timeout: float | None = 25.0
    ) -> CodecStreamResponse:
        """Read `input` to its end, and write what becomes of it to `output`.

        Nothing is read faster than the output is taken. The end is a half-close, on both sockets.
        Their other ends stay open until the answer or the end of `output` has come: one that closes
        before has failed, and what it sent is not taken for the whole. The answer, for which one
        may wait long, counts the bytes.

        Raises: StreamFailed.
        """
        return await self._call(CODEC_STREAM, CodecStreamRequest(direction, input, output), timeout)

    async def update(self, settings: Settings, *, timeout: float | None = 25.0) -> None:
        """Change the settings that are present, and leave the others.

        What is under way, or was asked for before, goes on with the settings that it began with.

        Raises: SettingsFailed.
        """
        await self._call(CODEC_UPDATE, CodecUpdateRequest(settings), timeout)

    async def replace(self, settings: Settings, *, timeout: float | None = 25.0) -> None:
        """Change all settings: those that are absent go back to their defaults.

        Raises: SettingsFailed.
        """
        await self._call(CODEC_REPLACE, CodecReplaceRequest(settings), timeout)

    async def watch(self, *, timeout: float | None = 25.0) -> CodecWatchResponse:
        """Answer what is set: at once the first time, later when it was changed since then.

        One at a time: a second one before the answer closes the channel.
        """
        return await self._call(CODEC_WATCH, None, timeout)


class CodecBlockingProxy(BlockingProxy[Codec]):
    """A client, blocking its thread; see `CodecProxy`."""

    PROTOCOL = Codec
    __slots__ = ()

    def compress(self, blob: Vmo, *, timeout: float | None = 25.0) -> CodecCompressResponse:
        return self._call(CODEC_COMPRESS, CodecCompressRequest(blob), timeout)

    def decompress(self, blob: Vmo, *, timeout: float | None = 25.0) -> CodecDecompressResponse:
        return self._call(CODEC_DECOMPRESS, CodecDecompressRequest(blob), timeout)

    def stream(
        self, direction: Direction, input: Socket, output: Socket, *, timeout: float | None = 25.0
    ) -> CodecStreamResponse:
        return self._call(CODEC_STREAM, CodecStreamRequest(direction, input, output), timeout)

    def update(self, settings: Settings, *, timeout: float | None = 25.0) -> None:
        self._call(CODEC_UPDATE, CodecUpdateRequest(settings), timeout)

    def replace(self, settings: Settings, *, timeout: float | None = 25.0) -> None:
        self._call(CODEC_REPLACE, CodecReplaceRequest(settings), timeout)

    def watch(self, *, timeout: float | None = 25.0) -> CodecWatchResponse:
        return self._call(CODEC_WATCH, None, timeout)


class CodecServer(Server[Codec]):
    """Serves one client; see `CodecProxy`."""

    PROTOCOL = Codec

    @abstractmethod
    def compress(self, blob: Vmo) -> Answer[CodecCompressResponse]: ...

    @abstractmethod
    def decompress(self, blob: Vmo) -> Answer[CodecDecompressResponse]: ...

    @abstractmethod
    def stream(
        self, direction: Direction, input: Socket, output: Socket
    ) -> Answer[CodecStreamResponse]: ...

    @abstractmethod
    def update(self, settings: Settings) -> Answer[None]: ...

    @abstractmethod
    def replace(self, settings: Settings) -> Answer[None]: ...

    @abstractmethod
    def watch(self) -> Answer[CodecWatchResponse]: ...
