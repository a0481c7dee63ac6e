from __future__ import annotations

import pytest

from ipcrt.shm.checksum import checksum, needs_checksum


@pytest.mark.parametrize(
    "machine, implementation, needed",
    [
        ("x86_64", "cpython", False),
        ("AMD64", "cpython", False),
        ("aarch64", "cpython", True),
        ("riscv64", "cpython", True),
        ("ppc64le", "cpython", True),
        ("", "cpython", True),
        ("x86_64", "pypy", True),
    ],
)
def test_only_what_is_known_needs_none(machine: str, implementation: str, *, needed: bool) -> None:
    assert needs_checksum(machine, implementation) is needed


def test_one_changed_byte_changes_the_sum() -> None:
    room = bytearray(range(256))
    data = memoryview(room)
    right = checksum(data, 1)
    for at in range(256):
        room[at] ^= 1
        assert checksum(data, 1) != right
        room[at] ^= 1
    assert checksum(data, 1) == right < 1 << 32


def test_another_version_has_another_sum() -> None:
    data = bytes(64)
    assert len({checksum(data, version) for version in range(1000)}) == 1000
    assert checksum(data, (1 << 32) + 5) == checksum(data, 5)
