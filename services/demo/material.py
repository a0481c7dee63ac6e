"""What the demonstration works on: files, their lines, the keys that the lines get. All pure."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from ipcrt_services.demo.bindings import File

VMO_BYTES: Final = 64 << 20
PAGE: Final = 10
"""Keys on a page of the store's iterator, but for the last."""

_BLOCK_BYTES: Final = 1 << 20
_MAX_VALUE_BYTES: Final = 64000
"""A longer line is stored in pieces: the store takes no longer values."""


class CheckFailed(Exception):
    """Something did not come back as it was given; the message says what."""


class Unsuitable(Exception):
    """What was asked for cannot be done here; the message says why."""


def default_paths() -> list[Path]:
    """Answer the project's own texts in a checkout, else the package's own sources."""
    package = Path(__file__).resolve().parents[1]
    project = package.parent
    if (project / "pyproject.toml").is_file():
        return sorted([*project.glob("*.md"), *project.glob("docs/*.md")])
    return sorted(package.rglob("*.py"))


def choose(paths: Sequence[Path]) -> tuple[Path, list[File]]:
    """Answer the directory that holds all files, and the files; links are followed first.

    Raises: Unsuitable: nothing given, or something that is no readable regular file.
    """
    found = list(dict.fromkeys(_resolve(path) for path in paths))
    if not found:
        raise Unsuitable("no files to work on")
    directory = Path(os.path.commonpath([path.parent for path in found]))
    files = [File(str(path), str(path.relative_to(directory))) for path in found]
    return directory, files


def _resolve(path: Path) -> Path:
    try:
        real = path.resolve(strict=True)
        if not real.is_file():
            raise Unsuitable(f"{path} is no regular file")
        with real.open("rb"):
            return real
    except OSError as error:
        raise Unsuitable(f"{path}: {error.strerror}") from error


def items(name: str, files: Sequence[File]) -> list[tuple[str, bytes]]:
    """Answer the key and the value of each line, in the order of the keys."""
    return [
        (f"{name}/{number:06d}/{line_number:08d}", line)
        for number, file in enumerate(files)
        for line_number, line in enumerate(_lines(Path(file.path)))
    ]


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while line := file.readline(_MAX_VALUE_BYTES):
            yield line


class Pages:
    """Checks that an iterator's pages are full and bring the keys in the order of `expected`.

    Keys of other writers may follow ours.
    """

    def __init__(self, expected: Sequence[tuple[str, bytes]]) -> None:
        self._expected = expected
        self._at = 0

    @property
    def done(self) -> int:
        """How many items have come back."""
        return self._at

    @property
    def complete(self) -> bool:
        """True once all items have come back."""
        return self._at == len(self._expected)

    def take(self, keys: Sequence[str]) -> Sequence[tuple[str, bytes]]:
        """Check a page, and answer the items whose keys are on it.

        Raises: CheckFailed.
        """
        wanted = self._expected[self._at : self._at + len(keys)]
        for found, (key, _) in zip(keys, wanted, strict=False):
            if found != key:
                raise CheckFailed(f"the iterator brought {found} where {key} was written")
        left = len(self._expected) - self._at
        if len(keys) != PAGE and len(keys) < left:
            raise CheckFailed(f"a page of {len(keys)} keys, and {left} were left")
        self._at += len(wanted)
        return wanted


def same_value(key: str, found: bytes, written: bytes) -> None:
    """Raises: CheckFailed: they differ."""
    if found != written:
        raise CheckFailed(f"{key} holds {found[:40]!r}, but {written[:40]!r} was written")


def same_digest(what: str, found: bytes, wanted: bytes) -> None:
    """Raises: CheckFailed: they differ."""
    if found != wanted:
        raise CheckFailed(f"SHA-256 of {what} is {found.hex()[:16]}.., not {wanted.hex()[:16]}..")


def digest_of_fd(fd: int) -> bytes:
    """Answer the SHA-256 of a file from its beginning; whoever shares its offset is undisturbed."""
    digest = hashlib.sha256()
    offset = 0
    while piece := os.pread(fd, _BLOCK_BYTES, offset):
        digest.update(piece)
        offset += len(piece)
    return digest.digest()


def digest_of_path(path: str) -> bytes:
    """Answer the SHA-256 of a file, read directly."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def blocks(size_bytes: int) -> Iterator[bytes]:
    """Answer `size_bytes` of content that is different in every block and every process."""
    first = os.urandom(min(_BLOCK_BYTES, size_bytes))
    for number in range(0, size_bytes, _BLOCK_BYTES):
        block = number.to_bytes(8, "little") + first[8:]
        yield block[: size_bytes - number]
