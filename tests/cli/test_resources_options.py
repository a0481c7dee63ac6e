"""Completion of URIs; `test_invoke` sees it in a shell."""

from __future__ import annotations

from pathlib import Path

import pytest

from ipcrt.cli.resources_options import complete_uri, scheme_behind


@pytest.mark.parametrize(
    "name, scheme",
    [
        ("ipcrt.resources/File", "file"),
        ("ipcrt.resources/TcpListen", "tcp-listen"),
        ("ipcrt.kvstore/Store", None),
        ("ipcrt.resources/a", None),
        ("none", None),
    ],
)
def test_a_name_tells_its_scheme(name: str, scheme: str | None) -> None:
    assert scheme_behind(name) == scheme


def test_without_a_locator_nothing_is_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IPCRT_LOCATOR", str(tmp_path / "none"))
    assert complete_uri("f") == []
