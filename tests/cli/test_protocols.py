"""How protocols are found, also those of packages that are not ours."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ipcrt.cli.complaint import Misused
from ipcrt.cli.protocols import find_method, find_protocol, known_names
from ipcrt.errors import BadState
from ipcrt.locator.protocol import LOCATOR_GET_ENTRIES, Locator
from ipcrt_services.files.bindings import FILES_OPEN, Files


@pytest.fixture
def other_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package that declares protocols, rightly and wrongly."""
    info = tmp_path / "example-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: example\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[ipcrt.protocols]\n"
        "example/Locator = ipcrt.locator.protocol:LocatorBlockingProxy\n"
        "example/Gone = example_gone:Proxy\n"
        "example/Wrong = ipcrt.locator.protocol:LocatorServer\n"
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])


def test_the_shipped_protocols_are_declared() -> None:
    names = {"ipcrt.files/Files", "ipcrt.kvstore/Store", "ipcrt.locator/Locator"}
    assert names <= set(known_names())
    assert find_protocol("ipcrt.files/Files") is Files


@pytest.mark.usefixtures("other_package")
def test_other_packages_may_add_theirs() -> None:
    assert "example/Locator" in known_names()
    assert find_protocol("example/Locator") is Locator


@pytest.mark.usefixtures("other_package")
@pytest.mark.parametrize(
    "name, reason", [("example/Gone", "example_gone"), ("example/Wrong", "no BlockingProxy")]
)
def test_a_wrong_declaration_says_so(name: str, reason: str) -> None:
    with pytest.raises(BadState, match=reason):
        find_protocol(name)


def test_an_unknown_protocol_names_the_known_ones() -> None:
    with pytest.raises(Misused, match=r"example/None.*ipcrt\.files/Files"):
        find_protocol("example/None")


@pytest.mark.parametrize("name", ["open", "Open"])
def test_a_method_is_found_by_either_spelling(name: str) -> None:
    assert find_method(Files, name) is FILES_OPEN


def test_an_unknown_method_names_the_known_ones() -> None:
    assert find_method(Locator, "GetEntries") is LOCATOR_GET_ENTRIES
    with pytest.raises(Misused, match="get_entries, get_identity"):
        find_method(Locator, "fly")
