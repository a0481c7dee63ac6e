from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from ipcrt_services.demo import material
from ipcrt_services.demo.bindings import File
from ipcrt_services.demo.material import CheckFailed, Pages, Unsuitable, choose, default_paths

ITEMS = [(f"me/{number:04d}", b"%d" % number) for number in range(25)]
KEYS = [key for key, _ in ITEMS]


def test_by_default_it_works_on_the_projects_own_texts() -> None:
    names = {path.name for path in default_paths()}
    assert {"README.md", "architecture.md"} <= names


def test_the_directory_is_the_deepest_that_holds_all_files(tmp_path: Path) -> None:
    for name in ("a/b/one", "a/c/two"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to("a/c/two")
    directory, files = choose([tmp_path / "a/b/one", tmp_path / "link", tmp_path / "a/c/two"])
    assert directory == tmp_path / "a"
    assert files == [
        File(str(tmp_path / "a/b/one"), "b/one"),
        File(str(tmp_path / "a/c/two"), "c/two"),
    ]


def test_one_file_is_beneath_its_own_directory(tmp_path: Path) -> None:
    (tmp_path / "one").touch()
    assert choose([tmp_path / "one"]) == (tmp_path, [File(str(tmp_path / "one"), "one")])


@pytest.mark.parametrize("name", ["missing", "directory", "/dev/null"])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "directory").mkdir()
    with pytest.raises(Unsuitable, match=name):
        choose([tmp_path / name])


def test_nothing_at_all_is_refused() -> None:
    with pytest.raises(Unsuitable):
        choose([])


def test_lines_get_keys_in_their_order_and_long_ones_come_in_pieces(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one\n\nthree")
    (tmp_path / "b").write_bytes(b"x" * 64001 + b"\n")
    (tmp_path / "empty").touch()
    _, files = choose([tmp_path / "b", tmp_path / "empty", tmp_path / "a"])
    items = material.items("me", files)
    assert [value for _, value in items] == [b"x" * 64000, b"x\n", b"one\n", b"\n", b"three"]
    keys = [key for key, _ in items]
    assert keys == sorted(keys)
    assert all(4 <= len(key) <= 64 for key in keys)


def test_pages_bring_everything_back_in_order() -> None:
    pages = Pages(ITEMS)
    assert pages.take(KEYS[:10]) == ITEMS[:10]
    assert pages.take(KEYS[10:20]) == ITEMS[10:20]
    assert pages.done == 20
    assert pages.take([*KEYS[20:], "other/1"]) == ITEMS[20:]
    assert pages.complete
    assert pages.done == 25


@pytest.mark.parametrize(
    "page",
    [
        KEYS[1:11],  # the first is missing
        [*KEYS[:5], *KEYS[6:11]],  # one in the middle is missing
        [*KEYS[:8], KEYS[9], KEYS[8]],  # two are swapped
        KEYS[:9],  # not full
        [],
    ],
)
def test_a_page_that_is_not_right_is_told(page: list[str]) -> None:
    with pytest.raises(CheckFailed):
        Pages(ITEMS).take(page)


def test_differences_are_told() -> None:
    material.same_value("key", b"a", b"a")
    material.same_digest("it", b"a", b"a")
    with pytest.raises(CheckFailed, match="key holds b'a', but b'b' was written"):
        material.same_value("key", b"a", b"b")
    with pytest.raises(CheckFailed, match="SHA-256 of it is 61"):
        material.same_digest("it", b"a", b"b")


def test_a_file_is_summed_from_its_beginning_by_either_way(tmp_path: Path) -> None:
    content = os.urandom(3 << 20)
    (tmp_path / "file").write_bytes(content)
    with (tmp_path / "file").open("rb") as file:
        file.seek(100)
        found = material.digest_of_fd(file.fileno())
    assert found == hashlib.sha256(content).digest()
    assert found == material.digest_of_path(str(tmp_path / "file"))


def test_blocks_differ_and_have_the_whole_size() -> None:
    size = (2 << 20) + 100
    blocks = list(material.blocks(size))
    assert sum(map(len, blocks)) == size
    assert len({bytes(block[:100]) for block in blocks}) == 3
