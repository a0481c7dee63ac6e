from __future__ import annotations

from ipcrt.cli.policy_text import explanation_lines
from ipcrt.locator.credentials import Credentials
from ipcrt.locator.policy import Policy, Rule
from ipcrt.locator.policy_explain import explain
from ipcrt.locator.policy_subject import Subject

NOBODY = Credentials(0, 4_000_000_000, 5, frozenset({5, 4_100_000_000}))


def lines(policy: Policy, subject: Subject, *, colour: bool = False) -> list[str]:
    told = explain(policy, "", subject, "open", "a/B")
    return list(explanation_lines(told, "F", colour=colour))


def test_a_cgroup_cannot_write_on_the_terminal() -> None:
    text = "\n".join(lines(Policy(), Subject(NOBODY, None, "/\x1b[2J\udcff")))
    assert "\x1b" not in text
    assert r"cgroup '/\x1b[2J\udcff'" in text


def test_ids_without_a_name() -> None:
    _, client, *_ = lines(Policy(), Subject(NOBODY))
    assert "uid 4000000000, groups 5" in client
    assert "4100000000, unit none" in client


def test_colours() -> None:
    assert lines(Policy(), Subject(NOBODY), colour=True)[0] == "\x1b[1;31mdenied\x1b[0m: open a/B"
    allowed = lines(Policy([Rule(open=["*"])]), Subject(NOBODY), colour=True)
    assert allowed[0] == "\x1b[1;32mallowed\x1b[0m: open a/B"
    assert allowed[2] == "  by rule 1 (F): '*'"


def test_root_may_inspect_without_a_rule() -> None:
    told = explain(Policy(), "", Subject(Credentials(0, 0, 0, frozenset({0}))), "inspect", "a/B")
    text = list(explanation_lines(told, "F", colour=False))
    assert text[0] == "allowed: inspect a/B"
    assert text[2] == "  without a rule: root may read all diagnostics"
