"""Whole files: nothing but spaces changes, and formatting twice is formatting once."""

from __future__ import annotations

import contextlib
import itertools
import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipcrt.fidl.format import format_diff, format_text, is_formatted, words_of
from ipcrt.fidl.parsed import Unparsable
from tests.support.fidl_samples import EVERYTHING, sample_texts

SAMPLES = sample_texts()
GAPS = (
    " ",
    "  ",
    "\t",
    "\n",
    "\n\n\n",
    "\r\n",
    " // c\n",
    "\n// d\n",
    "\n\n  //  e  \n",
    " // f\n// g\n",
)


def comments_of(text: str) -> list[str]:
    return [found[0].rstrip() for found in re.finditer(r"//(?!/(?!/))[^\n]*", text)]


def check(text: str) -> str:
    formatted = format_text("a.fidl", text)
    assert words_of(formatted) == words_of(text)
    assert format_text("a.fidl", formatted) == formatted
    assert sorted(comments_of(formatted)) == sorted(comments_of(text))
    for line in formatted.split("\n"):
        assert line == line.rstrip()
    assert "\n\n\n" not in formatted
    return formatted


@pytest.mark.parametrize("name", SAMPLES)
def test_only_spaces_change(name: str) -> None:
    check(SAMPLES[name])


def scatter(text: str, seed: int) -> str:
    """Put other spaces, and comments, between the tokens of a text."""
    choose = random.Random(seed)
    words = words_of(text)
    found = [words[0][1]]
    for (_, before), (_, word) in itertools.pairwise(words):
        if before.startswith("///"):
            found.append("\n")
        joins = not (re.match(r"\w|-", word) and re.search(r"\w$", before))
        if choose.random() < 0.3:
            found.append(choose.choice(GAPS))
        elif not joins or choose.random() < 0.3:
            found.append(" ")
        found.append(word)
    return "".join(found)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(SAMPLES)), st.integers(0, 1 << 30))
def test_spaces_and_comments_anywhere(name: str, seed: int) -> None:
    text = scatter(SAMPLES[name], seed)
    assert words_of(text) == words_of(SAMPLES[name])
    check(text)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_text_is_refused_or_kept(data: st.DataObject) -> None:
    text = EVERYTHING
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 3)))
        put = data.draw(st.text(st.sampled_from('{}()<>;:=@|.,-/ \n"aZ_01\\\t\x00é'), max_size=4))
        text = text[:start] + put + text[end:]
    with contextlib.suppress(Unparsable):
        check(text)


@pytest.mark.parametrize("text", ["", "library", "library a; type T = struct { a };", "\x00", "("])
def test_what_does_not_parse_is_refused(text: str) -> None:
    with pytest.raises(Unparsable):
        format_text("a.fidl", text)


def test_depth_is_refused_not_suffered() -> None:
    with pytest.raises(Unparsable):
        format_text("a.fidl", "library a; const A uint32 = " + "(" * 10_000 + "1;")


def test_a_very_long_constant_is_formatted() -> None:
    text = "library a;\n\nconst A uint32 = " + "|".join(["B"] * 20_000) + ";\n"
    assert words_of(format_text("a.fidl", text)) == words_of(text)


def test_check_and_diff() -> None:
    bad, good = "library a;\nusing  b;", "library a;\n\nusing b;\n"
    assert not is_formatted("a.fidl", bad)
    assert is_formatted("a.fidl", good)
    assert format_diff("a.fidl", good) == ""
    assert format_diff("a.fidl", bad) == (
        "--- a.fidl\n+++ a.fidl (formatted)\n@@ -1,2 +1,3 @@\n"
        " library a;\n-using  b;\n+\n+using b;\n"
    )
