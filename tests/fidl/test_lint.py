"""The linter as a whole; its checks are tried file by file."""

from __future__ import annotations

import contextlib
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipcrt.fidl.lint import findings_json, findings_text, lint_files
from ipcrt.fidl.lint_catalogue import CHECKS, Level
from ipcrt.fidl.parsed import Unparsable
from tests.support.fidl_samples import EVERYTHING, sample_texts

SAMPLES = sample_texts()


def test_what_is_well_made_is_let_pass() -> None:
    text = """
library shop.stock;

/// Where goods are kept.
@discoverable
open protocol Store {
    /// Adds an item; `name` is what customers see.
    flexible Add(struct {
        name string:128;
    }) -> () error StoreError;
};

/// Why it did not work.
type StoreError = flexible enum {
    /// Nothing is left.
    EMPTY = 1;
};
"""
    assert findings_text(lint_files([("a.fidl", text)])) == ""


def test_files_of_a_library_are_seen_together() -> None:
    one = ("one.fidl", "library t; type T = struct { a V; };")
    two = ("two.fidl", "library t; alias V = vector<bool>;")
    other = ("three.fidl", "library u; type T = struct { a V; };")
    found = [f for f in lint_files([other, one, two]) if f.check.id == "unbounded-vector"]
    assert [str(finding.span) for finding in found] == ["one.fidl:1:32"]


def test_checks_and_advice_can_be_left_out() -> None:
    files = [("a.fidl", "library t; type T = struct { count int32; };")]
    assert {f.check.id for f in lint_files(files)} == {
        "undocumented",
        "undocumented-member",
        "signed-count",
    }
    assert {f.check.id for f in lint_files(files, advice=False)} == {"undocumented"}
    assert {f.check.id for f in lint_files(files, disabled=["undocumented"])} == {
        "undocumented-member",
        "signed-count",
    }


def test_text_and_json() -> None:
    found = lint_files([("a.fidl", "library t;\n/// T\ntype T = struct {\n a string; };")])
    found = [finding for finding in found if finding.check.level is Level.WARNING]
    text = findings_text(found)
    assert text.startswith(
        "a.fidl:4:4: warning: string without a bound [unbounded-string]\n  why: "
    )
    assert json.loads(findings_json(found)) == [
        {
            "id": "unbounded-string",
            "level": "warning",
            "message": "string without a bound",
            "reason": CHECKS["unbounded-string"].reason,
            "file": "a.fidl",
            "line": 4,
            "column": 4,
            "end_line": 4,
            "end_column": 10,
        }
    ]


def test_what_does_not_parse_is_refused() -> None:
    with pytest.raises(Unparsable):
        lint_files([("a.fidl", "library t; type")])


def test_samples_are_linted_without_surprise() -> None:
    found = lint_files(SAMPLES.items())
    assert found
    assert found == sorted(found, key=lambda finding: finding.sort_key)
    assert all(re.search(r":\d+:\d+: (warning|advice): ", f.render()) for f in found)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_damaged_text_is_refused_or_linted(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(EVERYTHING)))
    end = start + data.draw(st.integers(0, 3))
    put = data.draw(st.text(st.sampled_from('{}()<>;:=@|.,-/ \n"aZ_01'), max_size=4))
    with contextlib.suppress(Unparsable):
        lint_files([("a.fidl", EVERYTHING[:start] + put + EVERYTHING[end:])])


def test_many_rights_are_no_depth() -> None:
    rights = "|".join(["zx.Rights.READ"] * 10_000)
    text = f"library t; using zx; type T = struct {{ a zx.Handle:<VMO, {rights}>; }};"
    assert "same-rights" not in {found.check.id for found in lint_files([("a.fidl", text)])}


def test_aliases_in_a_circle_end() -> None:
    lint_files([("a.fidl", "library t; alias A = B; alias B = A; type T = struct { a A:3; };")])
