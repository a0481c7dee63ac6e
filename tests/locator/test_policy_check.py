from __future__ import annotations

import pytest

from ipcrt.locator.policy import Policy
from ipcrt.locator.policy_check import check_policy


def warnings(text: str) -> list[tuple[int | None, str]]:
    return [(each.line, each.text) for each in check_policy(Policy.parse(text, "F"), text)]


@pytest.mark.parametrize(
    "keys, line, says",
    [
        ('user = [0, "no-such"]\nopen = ["*"]', 2, "there is no user 'no-such' now"),
        ('open = ["*"]\ngroup = ["no-such"]', 3, "there is no group 'no-such' now"),
        ('user = []\nopen = ["*"]', 2, "nobody is in no user: the rule never holds"),
        ('unit = []\nopen = ["*"]', 2, "nobody is in no unit: the rule never holds"),
        ('unit = ["a.scope"]\nopen = ["*"]', 2, "'a.scope' is no service"),
        ('cgroup = ["*/x"]\nopen = ["*"]', 2, "'*/x' does not begin with '/'"),
        ('\nopen = [\n"name"]', 3, "no name is like 'name'"),
        ('register = ["name"]', 2, "no name is like 'name'"),
        ("user = [0]", 1, "the rule grants nothing and sets no limit"),
        (
            'open = ["*"]\nlimits.client.fds = 3\nlimits.uid.fds = 2',
            3,
            "a client may not hold 3 fds: its uid may hold 2",
        ),
    ],
)
def test_what_is_suspicious(keys: str, line: int, says: str) -> None:
    [(where, text)] = warnings(f"[[rule]]\n{keys}\n")
    assert where == line
    assert text.startswith(says)


@pytest.mark.parametrize(
    "text",
    [
        "",
        '[[rule]]\nuser = ["root", 77]\ngroup = [5]\nopen = ["a/*", "*"]\n',
        '[[rule]]\nunit = ["x*", "y.service"]\ncgroup = ["/user.slice/*"]\nregister = ["a/B"]\n',
        "[[rule]]\nlimits.client.connections = 2\n",
        "[limits.client]\ncalls = 3\n[limits.uid]\ncalls = 3\nfds = 1\n",
    ],
)
def test_what_is_not(text: str) -> None:
    assert warnings(text) == []


def test_in_the_order_of_the_lines() -> None:
    text = (
        '[[rule]]\nopen = ["x"]\n[[rule]]\nregister = ["y"]\nuser = ["no-such"]\n'
        "[limits.client]\nfds = 9\n[limits.uid]\nfds = 8\n"
    )
    assert [line for line, _ in warnings(text)] == [2, 4, 5, 7]
