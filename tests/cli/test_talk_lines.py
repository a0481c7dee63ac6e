from __future__ import annotations

import pytest

from ipcrt.cli.complaint import Misused
from ipcrt.cli.talk_lines import Wait, arguments_of, complete, read_wait, split_line
from tests.fidl.gen import sample


@pytest.mark.parametrize(
    "line, words",
    [
        ("", []),
        ("  # nothing", []),
        ("echo text=a#b # said", ["echo", "text=a#b"]),
        ("echo 'text=# b' \"c # d\"#e", ["echo", "text=# b", "c # d#e"]),
        (r"echo text=\# \"", ["echo", "text=#", '"']),
        (r"""echo "a\"# b" #'""", ["echo", 'a"# b']),
        ("echo a\r", ["echo", "a"]),
    ],
)
def test_a_line_is_split_as_a_shell_splits_it(line: str, words: list[str]) -> None:
    assert split_line(line) == words


@pytest.mark.parametrize("line", ["echo 'a", 'echo "a # b', "echo \\"])
def test_a_quote_that_is_not_closed(line: str) -> None:
    with pytest.raises(Misused, match=r"'?echo .*: No (closing quotation|escaped character)"):
        split_line(line)


def test_waits_for_seconds_or_for_an_event() -> None:
    assert read_wait(sample.Player, ["1.5"]) == Wait(1.5, None)
    for given in ("on_rewound", "OnRewound"):
        assert read_wait(sample.Player, [given]) == Wait(None, sample.PLAYER_ON_REWOUND)


@pytest.mark.parametrize("given", ["-1", "nan", "inf", "86401", "echo", ""])
def test_what_nobody_can_wait_for(given: str) -> None:
    with pytest.raises(
        Misused, match=r"wait: expected seconds, up to 86400, or an event of .*on_sh"
    ):
        read_wait(sample.Player, [given])


@pytest.mark.parametrize("given", [[], ["1", "2"]])
def test_a_wait_is_for_one_thing(given: list[str]) -> None:
    with pytest.raises(Misused, match="wait takes seconds, or the name of an event: it has none"):
        read_wait(sample.Base, given)


@pytest.mark.parametrize(
    "before, word, found",
    [
        ("", "e", ["echo "]),
        ("", "w", ["wait "]),
        ("", "on_", []),  # an event cannot be called
        ("wait ", "on_r", ["on_rewound"]),
        ("count ", "n", ["names=", "numbers="]),
        ("draw ", "", ["corners=", "group=", "label=", "radius="]),
        ("configure volume=1 ", "na", ["name="]),
        ("Judge ", "ac", ["access="]),
        ("fly ", "", []),
        ("rewind ", "", []),
    ],
)
def test_completes_methods_then_arguments(before: str, word: str, found: list[str]) -> None:
    assert complete(sample.Player, before, word) == found


def test_what_a_request_may_be_given_by() -> None:
    assert arguments_of(sample.ShapeRadius) == ["radius"]  # a union of one member
    assert "class" in arguments_of(sample.Numbers)
