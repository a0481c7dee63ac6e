"""References and constants, copied for another piece."""

from __future__ import annotations

from ipcrt.fidl.constants import OrConst, Ref, RefConst, RefState
from ipcrt.fidl.source import SourceFile, Span


def test_a_copy_is_not_yet_compiled() -> None:
    span = Span(SourceFile("a.fidl", "a.b | a.b"), 0, 3)
    ref = Ref(span, ("a", "b"), RefState.KEY, library="x", name="a", member="b")
    left = RefConst(span, ref, tried=True, value=1)
    copy = OrConst(span, left, left).copy()
    assert isinstance(copy.left, RefConst)
    assert copy.left.value is None
    assert copy.left.ref is not ref
    assert (copy.left.ref.name, copy.left.ref.state) == ("a", RefState.KEY)
    assert ref.text == "a.b"
