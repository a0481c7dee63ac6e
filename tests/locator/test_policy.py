from __future__ import annotations

import grp
import os
import pwd
import socket
from pathlib import Path

import pytest

from ipcrt.errors import InvalidArgs, NotFound
from ipcrt.locator.credentials import Credentials
from ipcrt.locator.limits import Quota
from ipcrt.locator.policy import Namespace, Policy, Rule
from ipcrt.locator.policy_subject import Subject
from ipcrt.objects.channel import Channel

ROOT = Credentials(1, 0, 0, frozenset({0}))
ALICE = Credentials(100, 61001, 61001, frozenset({61001, 61044}))


def write(directory: Path, text: str | bytes) -> Path:
    where = directory / "policy.toml"
    where.write_bytes(text.encode() if isinstance(text, str) else text)
    return where


def namespace(policy: Policy, who: Credentials) -> Namespace:
    first, second = Channel.create()
    with first, second:
        return policy.grant_for(who, first).namespace


# ------------------------------------------------------------------------------------ what is good


def test_the_default_is_everything_for_root_and_ourselves() -> None:
    myself = Credentials(1, os.geteuid(), 0, frozenset())
    for who in (ROOT, myself):
        granted = namespace(Policy.default(), who)
        assert granted.may_open("a/B")
        assert granted.may_register("a/B")
        assert granted.may_inspect("a/B")
    granted = namespace(Policy.default(), ALICE)
    assert not granted.may_open("a/B")
    assert not granted.may_register("a/B")
    assert not granted.may_inspect("a/B")


def test_an_empty_policy_grants_nothing(tmp_path: Path) -> None:
    policy = Policy.load(write(tmp_path, "# nothing\n"))
    assert not namespace(policy, ROOT).may_open("a/B")


def test_a_whole_policy(tmp_path: Path) -> None:
    policy = Policy.load(
        write(
            tmp_path,
            """
            [[rule]]
            open = ["public/*"]

            [[rule]]
            user = [61001]
            open = ["alice/*", "shared/One"]
            register = ["alice/[A-M]*"]
            inspect = ["shared/*"]
            """,
        )
    )
    alice, root = namespace(policy, ALICE), namespace(policy, ROOT)
    for name in ("public/X", "alice/X", "shared/One"):
        assert alice.may_open(name)
    for name in ("shared/Two", "shared/One/More", "publicX", "PUBLIC/X", ""):
        assert not alice.may_open(name)
    assert alice.may_register("alice/Anything")
    assert not alice.may_register("alice/Zebra")
    assert not alice.may_register("public/X")
    assert alice.may_inspect("shared/One")
    assert not alice.may_inspect("alice/X")
    assert not root.may_inspect("shared/One")
    assert root.may_open("public/X")
    assert not root.may_open("alice/X")


@pytest.mark.parametrize(
    "rule, holds",
    [
        (Rule(), True),
        (Rule(user=[61001]), True),
        (Rule(user=[0, 61001]), True),
        (Rule(user=[0]), False),
        (Rule(user=["root"]), False),
        (Rule(user=[]), False),
        (Rule(user=["no-such-user-here"]), False),
        (Rule(user=["no\0user"]), False),
        (Rule(user=["\udcff"]), False),
        (Rule(group=[61044]), True),
        (Rule(group=[61001]), True),
        (Rule(group=[0, 1]), False),
        (Rule(group=["no-such-group-here"]), False),
        (Rule(group=["no\0group"]), False),
        (Rule(unit=["kv@*.service"]), True),
        (Rule(unit=["other.service", "kv@a.service"]), True),
        (Rule(unit=["KV@*"]), False),
        (Rule(unit=[]), False),
        (Rule(user=[61001], group=[61044], unit=["*"]), True),
        (Rule(user=[61001], group=[0], unit=["*"]), False),
    ],
)
def test_a_rule_holds_where_all_its_conditions_do(rule: Rule, holds: bool) -> None:
    assert rule.matches(Subject(ALICE, "kv@a.service")) is holds


def test_who_is_in_no_unit_matches_no_pattern() -> None:
    assert not Rule(unit=["*"]).matches(Subject(ALICE))


@pytest.mark.parametrize(
    "patterns, cgroup, holds",
    [
        (["/user.slice/*"], "/user.slice/user-1.slice/x.scope", True),
        (["/a", "/b/*"], "/b/c/d", True),
        (["/user.slice/*"], "/user.slice", False),
        (["/user.slice/*"], "/x/user.slice/y", False),
        (["*"], None, False),
        ([], "/a", False),
    ],
)
def test_a_cgroup_is_matched_as_a_path(
    patterns: list[str], cgroup: str | None, holds: bool
) -> None:
    assert Rule(cgroup=patterns).matches(Subject(ALICE, None, cgroup)) is holds


def test_every_condition_that_fails_says_why() -> None:
    rule = Rule(user=["root", 5], group=[9], unit=["x*"], cgroup=["/a"])
    assert list(rule.misses(Subject(ALICE, "y.service", "/b"))) == [
        "uid 61001 is not user root or 5",
        "none of its groups is 9",
        "it runs in unit 'y.service', not in x*",
        "it runs in cgroup '/b', not in /a",
    ]
    assert list(Rule(user=[]).misses(Subject(ALICE))) == ["uid 61001 is not user any of none"]


def test_limits_come_from_the_most_generous_rule_then_from_the_file(tmp_path: Path) -> None:
    policy = Policy.load(
        write(
            tmp_path,
            """
            [limits]
            client = { connections = 2, fds = 50 }
            uid.calls = 7

            [[rule]]
            limits.client = { connections = 9, calls = 1 }
            [[rule]]
            user = [61001]
            limits.client.connections = 30
            limits.client.fds = 4
            [[rule]]
            user = [0]
            limits.client.connections = 1000
            """,
        )
    )
    alice = policy.judge(Subject(ALICE)).quotas
    assert alice.client == Quota(connections=30, calls=1, fds=4)
    assert alice.uid == Quota(calls=7)
    stranger = policy.judge(Subject(Credentials(1, 5, 5, frozenset()))).quotas
    assert stranger.client == Quota(connections=9, calls=1, fds=50)
    assert policy.judge(Subject(ROOT)).quotas.client.connections == 1000


def test_names_of_users_and_groups() -> None:
    user = pwd.getpwuid(os.getuid())
    group = grp.getgrgid(os.getgid())
    myself = Credentials(1, user.pw_uid, group.gr_gid, frozenset({group.gr_gid}))
    assert Rule(user=[user.pw_name], group=[group.gr_name]).matches(Subject(myself))
    assert not Rule(user=[user.pw_name]).matches(Subject(ALICE))
    assert not Rule(group=[group.gr_name]).matches(Subject(ALICE))


def test_a_peer_outside_units_gets_what_needs_none(tmp_path: Path) -> None:
    text = '[[rule]]\nunit = ["x.service"]\nopen = ["u/*"]\n[[rule]]\nopen = ["a/*"]\n'
    granted = namespace(Policy.load(write(tmp_path, text)), ALICE)
    assert granted.openable == ("a/*",)


# ------------------------------------------------------------------------------------- what is bad


@pytest.mark.parametrize(
    "text, says",
    [
        ("[[rule]]\nuser = \n", "(at line 2, column 8)"),
        ("[[rule]]\nuser = [\n", "(at end of document)"),
        ("[[rule]]\nopne = []\n", "`opne` - at `$.rule[0]`"),
        ("[[rule]]\n[[rule]]\nuser = 0\n", "`$.rule[1].user`"),
        ("[[rule]]\nuser = [1.5]\n", "`$.rule[0].user[0]`"),
        ("[[rule]]\nopen = [1]\n", "`$.rule[0].open[0]`"),
        ("[[rule]]\nopen = 'a/*'\n", "`$.rule[0].open`"),
        ("rule = 1\n", "`$.rule`"),
        ("[[rules]]\n", "`rules`"),
        ("\n\n[[rule]]\nuser = [1,\n2.5]\n", "`$.rule[0].user[1]` (line 4)"),
        ("[limits]\n\n[limits.client]\nfds = 0\n", "`$.limits.client.fds` (line 4)"),
        ("[limits]\nclients = 5\n", "`clients` - at `$.limits` (line 2)"),
        (b"\xff\n", "utf-8"),
        ("rule = " + "[" * 5000, ""),
        ("#" * (1 << 20) + "\n", "exceeds 1048576 bytes"),
    ],
    ids=str.split("toml end key user uid open list rule section float zero limit utf-8 depth size"),
)
def test_an_error_names_the_file_and_the_place(
    tmp_path: Path, text: str | bytes, says: str
) -> None:
    where = write(tmp_path, text)
    with pytest.raises(InvalidArgs) as caught:
        Policy.load(where)
    assert str(caught.value).startswith(f"policy {where}")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"none\.toml is not there"):
        Policy.load(tmp_path / "none.toml")


@pytest.mark.parametrize("kind", ["fifo", "socket"])
def test_what_nobody_may_ever_write_into_is_not_waited_for(tmp_path: Path, kind: str) -> None:
    """A daemon that reads its policy again must not stand still."""
    where = tmp_path / "policy.toml"
    if kind == "fifo":
        os.mkfifo(where)
        says = "is no file"
    else:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(where))
        says = "No such device or address"
    with pytest.raises(InvalidArgs, match=f"policy {where}:? {says}"):
        Policy.load(where)


@pytest.mark.parametrize("key", ["user", "group"])
@pytest.mark.parametrize("number", [-1, 2**32 - 1, 2**32, 10**30])
def test_a_number_that_nobody_can_have_is_an_error(tmp_path: Path, key: str, number: int) -> None:
    where = write(tmp_path, f"[[rule]]\n{key} = ['root', {number}]\n")
    with pytest.raises(InvalidArgs) as caught:
        Policy.load(where)
    assert f"- at `$.rule[0].{key}[1]` (line 2)" in str(caught.value)


def test_the_greatest_number_there_is(tmp_path: Path) -> None:
    where = write(tmp_path, "[[rule]]\nuser = [4294967294]\ngroup = [0]\n")
    assert Policy.load(where).rule[0].user == [4294967294]


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgs, match="Is a directory"):
        Policy.load(tmp_path)
