"""Attributes in their places; imports that are used."""

from __future__ import annotations

import pytest

from ipcrt.fidl.verify import locations
from tests.support.fidl import compile_text


@pytest.mark.parametrize(
    "text, ids",
    [
        ('@selector("x") type A = struct {};', ["fi-0120"]),
        ('type A = struct { @selector("x") a bool; };', ["fi-0120"]),
        ("@discoverable type A = struct {};", ["fi-0120"]),
        ('@generated_name("X") type A = struct {};', ["fi-0120"]),
        ("@sensitive type A = struct { @sensitive a bool; };", []),
        ("@sensitive protocol P {};", ["fi-0120"]),
        ("@transitional protocol P {};", ["fi-0121"]),
        ("@no_resource protocol P {};", ["fi-0222"]),
        ('@transport("Smoke") protocol P {};', ["fi-0142"]),
        ('@discoverable(name="x") protocol P {};', ["fi-0135"]),
    ],
)
def test_attributes(text: str, ids: list[str]) -> None:
    assert compile_text(text).ids == ids


def test_locations() -> None:
    assert locations("platform, external") == ["platform", "external"]
    assert locations("") == []
    assert locations("moon") is None
    assert locations("platform,platform") is None


def test_an_unused_import() -> None:
    assert compile_text("library dep;", "library example;\nusing dep;").ids == ["fi-0178"]
