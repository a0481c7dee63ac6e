from __future__ import annotations

import tomllib

import pytest

from ipcrt.locator.policy_lines import line_at, lines_of, place_of

WHOLE = '''\
# a comment with = and [[rule]]
top = 1

[limits]
client = { fds = 3, connections = 4 }
uid.calls = 5          # dotted

[[rule]]
user = ["a]", 'b"', """
x = 1
[[rule]]
"""]
"open" = [
  "p/*",  # ] =
  'q/*',
]

[[ rule ]]
limits.client.connections = 8
[rule.limits.uid]
fds = \'\'\'
[no]
\'\'\'
[[rule]]
'''


def test_everything_stands_where_it_stands() -> None:
    tomllib.loads(WHOLE)
    lines = lines_of(WHOLE)
    assert lines["top",] == 2
    assert lines["limits",] == 4
    assert lines["limits", "client"] == 5
    assert lines["limits", "uid"] == 6
    assert lines["limits", "uid", "calls"] == 6
    assert lines["rule",] == 8
    assert lines["rule", 0] == 8
    assert lines["rule", 0, "user"] == 9
    assert lines["rule", 0, "open"] == 13
    assert lines["rule", 1] == 18
    assert lines["rule", 1, "limits", "client", "connections"] == 19
    assert lines["rule", 1, "limits", "uid"] == 20
    assert lines["rule", 1, "limits", "uid", "fds"] == 21
    assert lines["rule", 2] == 24
    assert ("rule", 3) not in lines
    assert ("no",) not in lines
    assert ("x",) not in lines


@pytest.mark.parametrize(
    "text, line",
    [
        ('a = "\\""\nrule = 1\n', 2),
        ("a = '\\'\nrule = 1\n", 2),
        ('a = """\\"""\n"""\nrule = 1\n', 3),
        ('a = """""""\nrule = 1\n', 2),
        ("a = ''''''\nrule = 1\n", 2),
        ("a = {}\r\nrule = 1\r\n", 2),
        ("a = 1979-05-27T07:32:00Z\nrule = 1\n", 2),
    ],
)
def test_strings_end_where_they_end(text: str, line: int) -> None:
    tomllib.loads(text)
    assert lines_of(text)["rule",] == line


def test_what_has_no_line_of_its_own_stands_around() -> None:
    lines = lines_of("[[rule]]\nuser = [\n1.5]\n")
    assert line_at(lines, ("rule", 0, "user", 0)) == 2
    assert line_at(lines, ("rule", 0, "nothing")) == 1
    assert line_at(lines, ("other",)) is None
    assert line_at(lines, ()) is None


def test_paths_as_msgspec_writes_them() -> None:
    assert place_of("$.rule[12].limits.client.fds") == ("rule", 12, "limits", "client", "fds")
    assert place_of("$.rule[0].user[3]") == ("rule", 0, "user", 3)
    assert place_of("$") == ()


def test_any_text_is_scanned_in_linear_time() -> None:
    assert lines_of('"' * 200_000) == {}
    assert lines_of("[" * 200_000) == {}
    lines_of("'''\n" * 50_000)
