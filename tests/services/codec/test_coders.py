from __future__ import annotations

import gzip
import lzma
import zlib

import pytest

from ipcrt.errors import NotSupported
from ipcrt_services.codec.bindings import Format
from ipcrt_services.codec.coders import TURN_BYTES, Coder, Malformed, load
from tests.services.codec.users import FORMATS, PACK, UNPACK, text

EVERY = pytest.mark.parametrize("format_", FORMATS)


def run(coder: Coder, data: bytes, piece: int = TURN_BYTES) -> tuple[bytes, int]:
    """What comes out, and the most at a time."""
    parts: list[bytes] = []
    rest = memoryview(data)
    while rest:
        fed = rest[:piece] if coder.hungry else b""
        rest = rest[len(fed) :]
        parts.append(coder.feed(bytes(fed)))
    while not coder.hungry:
        parts.append(coder.feed(b""))
    parts.append(coder.finish())
    return b"".join(parts), max(map(len, parts))


@EVERY
@pytest.mark.parametrize("size", [0, 1, TURN_BYTES, TURN_BYTES + 1, 5 * TURN_BYTES])
def test_they_agree_with_the_standard_library(format_: Format, size: int) -> None:
    data = text(size)
    coders = load(format_)
    for level in (1, 9):
        packed, _ = run(coders.encoder(level), data)
        assert UNPACK[format_](packed) == data
    assert run(coders.decoder(), PACK[format_](data), 1009)[0] == data


@EVERY
def test_a_byte_at_a_time(format_: Format) -> None:
    packed = PACK[format_](text(500))
    assert run(load(format_).decoder(), packed, 1)[0] == text(500)


@EVERY
@pytest.mark.parametrize("size", [3 << 20, 2 * TURN_BYTES])
def test_a_bomb_comes_out_piece_by_piece(format_: Format, size: int) -> None:
    packed = PACK[format_](bytes(size))
    assert len(packed) < size // 100
    output, most = run(load(format_).decoder(), packed)
    assert output == bytes(size)
    assert most <= TURN_BYTES


@EVERY
def test_a_higher_level_makes_less(format_: Format) -> None:
    data = text(200_000, seed=2) * 6
    coders = load(format_)
    assert len(run(coders.encoder(9), data)[0]) < len(run(coders.encoder(1), data)[0])


@EVERY
def test_what_is_no_whole_is_malformed(format_: Format) -> None:
    packed = PACK[format_](text(300_000))
    bad = [b"", b"\0", b"\xff" * 100, packed[:-1], packed[: len(packed) // 2], packed + b"\0"]
    bad.append(packed * 2)
    bad.append(packed[: len(packed) // 2] + bytes(40) + packed[len(packed) // 2 + 40 :])
    bad.append(gzip.compress(b"another format"))
    for data in bad:
        for piece in (TURN_BYTES, len(packed) or 1):
            with pytest.raises(Malformed):
                run(load(format_).decoder(), data, piece)


def test_lzma_that_wants_too_much_memory_is_malformed() -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 28}]
    packed = lzma.compress(b"small", filters=filters)
    with pytest.raises(Malformed, match="Memory usage limit"):
        run(load(Format.LZMA).decoder(), packed)
    assert run(load(Format.LZMA).decoder(), lzma.compress(b"small", preset=9))[0] == b"small"


def test_zlib_that_wants_a_dictionary_is_malformed() -> None:
    packer = zlib.compressobj(zdict=b"small")
    packed = packer.compress(b"small") + packer.flush()
    with pytest.raises(Malformed):
        run(load(Format.ZLIB).decoder(), packed)


def test_an_unknown_format_is_not_supported() -> None:
    with pytest.raises(NotSupported, match="format 99"):
        load(Format(99))
