"""What messages call types."""

from __future__ import annotations

from ipcrt.fidl.types import ArrayType, PrimitiveType, StringType, VectorType


def test_names() -> None:
    byte = PrimitiveType("uint8")
    assert VectorType(byte, 3).name == "vector<uint8>"
    assert ArrayType(byte, 4).name == "array<uint8, 4>"
    assert ArrayType(byte, 4, True).name == "string_array<4>"
    assert StringType(5, nullable=True).name == "string:5?"
