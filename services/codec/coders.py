"""Coders: the standard library's compressors, all with one face.

A coder is fed until its input ends, then finished. What comes out at once is bounded: a decoder
answers at most `TURN_BYTES`, and is hungry again only when it has told everything, so a small input
that stands for a huge output costs no memory.
"""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Callable
from typing import Final, Protocol

from ipcrt.errors import IpcError, NotSupported, Status
from ipcrt_services.codec.bindings import Format

TURN_BYTES: Final = 65536
"""What a coder is fed at a time, and the most that a decoder answers."""

_WINDOW_BYTES: Final = 1 << 20
"""How far back LZMA looks when it compresses: a coder then takes about 12 MiB at most."""

_DECODER_BYTES: Final = 96 << 20
"""What decompressing LZMA may take: enough for whatever `xz -9` wrote."""


class Malformed(IpcError):
    """The input is not in the format."""

    STATUS = Status.IO_DATA_INTEGRITY


class Coder(Protocol):
    """Turns bytes into others. Used by one thread at a time."""

    @property
    def hungry(self) -> bool:
        """True where it wants input; else it has more to tell, and is fed nothing."""
        ...

    def feed(self, data: bytes) -> bytes:
        """Take input, and answer what comes of it. Raises: Malformed."""
        ...

    def finish(self) -> bytes:
        """Take the end of the input; answer the rest. Raises: Malformed."""
        ...


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class Encoder:
    """Compresses."""

    def __init__(self, compressor: _Compressor) -> None:
        self._compressor = compressor

    @property
    def hungry(self) -> bool:
        return True

    def feed(self, data: bytes) -> bytes:
        return self._compressor.compress(data)

    def finish(self) -> bytes:
        return self._compressor.flush()


class Decoder:
    """Decompresses one stream of a format, behind which nothing stands."""

    def __init__(self, decompressor: _Decompressor, error: type[Exception]) -> None:
        """`error` is what the decompressor raises for bytes that are not in its format."""
        self._decompressor = decompressor
        self._error = error

    @property
    def hungry(self) -> bool:
        return self._decompressor.eof or self._decompressor.needs_input

    def feed(self, data: bytes) -> bytes:
        if self._decompressor.eof:
            raise Malformed(f"{len(data)} bytes behind the end")
        try:
            output = self._decompressor.decompress(data, TURN_BYTES)
        except self._error as error:
            raise Malformed(str(error)) from error
        if self._decompressor.unused_data:
            raise Malformed(f"{len(self._decompressor.unused_data)} bytes behind the end")
        return output

    def finish(self) -> bytes:
        if not self._decompressor.eof:
            raise Malformed("cut off")
        return b""


class _Inflater:
    """zlib's decompressor with the face of the others."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj()

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        # It may keep some output back though it took all of the input: the checksum follows.
        return self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)


@dataclasses.dataclass(frozen=True, slots=True)
class Coders:
    """What makes the coders of one format; an encoder has a level from 1 to 9."""

    encoder: Callable[[int], Coder]
    decoder: Callable[[], Coder]


def load(format_: Format) -> Coders:
    """Answer the coders of a format, after making one; may take its time.

    Raises: NotSupported: nobody here knows it, or this Python was built without it.
    """
    loader = _LOADERS.get(format_)
    if loader is None:
        raise NotSupported(f"format {int(format_)} is not known")
    try:
        coders = loader()
    except ImportError as error:
        raise NotSupported(f"this Python has no {format_.name}: {error}") from error
    coders.decoder()
    return coders


def _load_zlib() -> Coders:
    return Coders(
        lambda level: Encoder(zlib.compressobj(level)),
        lambda: Decoder(_Inflater(), zlib.error),
    )


def _load_bz2() -> Coders:
    import bz2

    return Coders(
        lambda level: Encoder(bz2.BZ2Compressor(level)),
        lambda: Decoder(bz2.BZ2Decompressor(), OSError),
    )


def _load_lzma() -> Coders:
    import lzma

    def encoder(level: int) -> Encoder:
        chain = [{"id": lzma.FILTER_LZMA2, "preset": level, "dict_size": _WINDOW_BYTES}]
        return Encoder(lzma.LZMACompressor(filters=chain))

    def decoder() -> Decoder:
        plain = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_DECODER_BYTES)
        return Decoder(plain, lzma.LZMAError)

    return Coders(encoder, decoder)


_LOADERS: Final = {Format.ZLIB: _load_zlib, Format.BZ2: _load_bz2, Format.LZMA: _load_lzma}
