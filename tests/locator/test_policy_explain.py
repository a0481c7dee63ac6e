from __future__ import annotations

import itertools
import json

import pytest

from ipcrt.locator.credentials import Credentials
from ipcrt.locator.policy import ACTIONS, Action, Policy
from ipcrt.locator.policy_explain import explain, limits_set
from ipcrt.locator.policy_subject import Subject

TEXT = """\
[limits.client]
calls = 7
[[rule]]
user = [1]
open = ["a/*"]
limits.client.connections = 2
[[rule]]
group = [2]
open = ["a/B", "*"]
register = ["a/B"]
limits.client.connections = 3
[[rule]]
unit = ["x.service"]
cgroup = ["/one/*", "/two"]
inspect = ["a/B"]
"""
POLICY = Policy.parse(TEXT, "F")
ONE = Subject(Credentials(0, 1, 1, frozenset({1})))
BOTH = Subject(Credentials(0, 1, 1, frozenset({1, 2})), "x.service", "/two")


def test_by_which_rule_and_why_not() -> None:
    told = explain(POLICY, TEXT, ONE, "open", "a/C")
    assert told.allowed
    assert [(each.number, each.line, each.pattern) for each in told.granting] == [(1, 3, "a/*")]
    _, second, third = told.verdicts
    assert (second.line, second.holds, second.pattern) == (7, False, "*")
    assert second.reasons == ("none of its groups is 2",)
    assert third.reasons == (
        "it runs in no unit, not in x.service",
        "it runs in no cgroup, not in /one/* or /two",
        "it grants no open",
    )


def test_several_rules_may_grant_it() -> None:
    told = explain(POLICY, TEXT, BOTH, "open", "a/B")
    assert [each.number for each in told.granting] == [1, 2]
    assert limits_set(told.grant) == {"client": {"connections": 3, "calls": 7}}


@pytest.mark.parametrize("uid, allowed", [(0, True), (5, False)])
def test_root_inspects_without_a_rule(uid: int, allowed: bool) -> None:
    told = explain(POLICY, TEXT, Subject(Credentials(0, uid, 9, frozenset())), "inspect", "a/B")
    assert told.allowed is allowed
    assert (told.without_rule is not None) is allowed


def test_the_decision_is_the_locators() -> None:
    for subject, action, name in itertools.product((ONE, BOTH), ACTIONS, ("a/B", "a/C", "b/B", "")):
        told = explain(POLICY, TEXT, subject, action, name)
        assert told.allowed is bool(told.granting), (subject, action, name)
        assert told.allowed is decided(subject, action, name)


def decided(subject: Subject, action: Action, name: str) -> bool:
    namespace = POLICY.judge(subject).namespace
    if action == "open":
        return namespace.may_open(name)
    return namespace.may_register(name) if action == "register" else namespace.may_inspect(name)


def test_for_machines() -> None:
    told = json.loads(json.dumps(explain(POLICY, "", BOTH, "inspect", "a/B").as_document()))
    assert told["allowed"] is True
    assert told["client"]["groups"] == [1, 2]
    assert told["rules"][2] == {
        "number": 3,
        "line": None,
        "holds": True,
        "pattern": "a/B",
        "reasons": [],
    }
