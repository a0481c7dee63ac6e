"""Servers that do not know the end of a stream are hung up on sooner here."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction]
    monkeypatch.setattr("ipcrt.io.stream_source.GRACE_S", 0.05)
