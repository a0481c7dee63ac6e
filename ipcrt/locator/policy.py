"""Policy: which client sees which protocol, and how much it may hold. A TOML file, or the default.

    [[rule]]
    user = ["alice", 1000]                 # uid or name; any of them
    group = ["video"]                      # gid or name, primary or supplementary
    unit = ["ipcrt-service@*.service"]     # system unit, shell pattern
    cgroup = ["/user.slice/*"]             # path of the control group, shell pattern
    open = ["ipcrt.kvstore/*"]             # what such a client may open
    register = []                          # what such a client may offer
    inspect = ["ipcrt.kvstore/*"]          # whose diagnostics such a client may read
    limits.client.connections = 8          # what such a client may hold, see `limits`

1. A rule holds for clients that match all the conditions it names; what a client may do is what any
   of the rules that hold for it grants. What is not granted is denied.
2. In a pattern, `*` stands for any characters, `/` too.
3. Root, and whoever runs a service, may read its diagnostics without a rule.
4. Without a file, root and the daemon's own user may do everything, others nothing.
5. A key that is not known is an error: a condition that is misspelt would let everybody in.

The whole of it is in docs/policy.md.
"""

from __future__ import annotations

import fnmatch
import grp
import os
import pwd
import re
import stat
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final, Literal, Self, TypeAlias

import msgspec

from ipcrt.errors import InvalidArgs, NotFound
from ipcrt.locator.credentials import Credentials
from ipcrt.locator.limits import Quota, Quotas
from ipcrt.locator.policy_lines import line_at, lines_of, place_of
from ipcrt.locator.policy_subject import Subject, subject_of_peer
from ipcrt.objects.handle import Handle

_MAX_POLICY_BYTES: Final = 1 << 20
_PATH: Final = re.compile(r" - at `(\$[^`]*)`")
_UNKNOWN: Final = re.compile(r"unknown field `([^`]*)`")

Action: TypeAlias = Literal["open", "register", "inspect"]
"""What a rule grants."""

Number = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 2)]
"""A uid or gid; the one above stands for none. Source: setresuid(2)."""

ACTIONS: Final[tuple[Action, ...]] = ("open", "register", "inspect")


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule; a condition that is absent holds for everybody."""

    user: list[Number | str] | None = None
    group: list[Number | str] | None = None
    unit: list[str] | None = None
    cgroup: list[str] | None = None
    open: list[str] = []
    register: list[str] = []
    inspect: list[str] = []
    limits: Quotas = Quotas()

    def matches(self, subject: Subject) -> bool:
        """True where all conditions hold for the client."""
        return next(self.misses(subject), None) is None

    def misses(self, subject: Subject) -> Iterator[str]:
        """Answer, of each condition that does not hold for the client, why."""
        who = subject.who
        if self.user is not None and not any(_is_user(each, who) for each in self.user):
            yield f"uid {who.uid} is not user {_any_of(self.user)}"
        if self.group is not None and not any(gid_of(each) in who.groups for each in self.group):
            yield f"none of its groups is {_any_of(self.group)}"
        for what, patterns, value in (
            ("unit", self.unit, subject.unit),
            ("cgroup", self.cgroup, subject.cgroup),
        ):
            if patterns is not None and (value is None or first_like(value, patterns) is None):
                where = f"no {what}" if value is None else f"{what} {value!r}"
                yield f"it runs in {where}, not in {_any_of(patterns)}"

    def granting(self, action: Action, name: str) -> str | None:
        """Answer the pattern that grants this to those for whom the rule holds, or None."""
        patterns: list[str] = getattr(self, action)
        return first_like(name, patterns)


class Namespace(msgspec.Struct, frozen=True):
    """What one client may open, register and inspect: shell patterns over protocol names."""

    openable: tuple[str, ...]
    registrable: tuple[str, ...]
    inspectable: tuple[str, ...] = ()

    def may_open(self, name: str) -> bool:
        """True where the client may open `name`."""
        return first_like(name, self.openable) is not None

    def may_register(self, name: str) -> bool:
        """True where the client may offer `name` to others."""
        return first_like(name, self.registrable) is not None

    def may_inspect(self, service: str) -> bool:
        """True where the client may read the diagnostics of whoever offers `service`."""
        return first_like(service, self.inspectable) is not None


class Grant(msgspec.Struct, frozen=True):
    """What one client gets: its namespace, and the limits that policy sets for it."""

    namespace: Namespace
    quotas: Quotas = Quotas()


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All rules, and the limits of those for whom no rule sets any."""

    rule: list[Rule] = []
    limits: Quotas = Quotas()

    @classmethod
    def default(cls) -> Self:
        """Everything for root and for the user that this process runs as."""
        everything = ["*"]
        rule = Rule([0, os.geteuid()], open=everything, register=everything, inspect=everything)
        return cls([rule])

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a policy file.

        Raises: NotFound. InvalidArgs: as `parse`, or it cannot be read.
        """
        return cls.parse(read_policy(path), path)

    @classmethod
    def parse(cls, text: str, name: str | os.PathLike[str]) -> Self:
        """Read a policy's text; `name` is for errors.

        Raises: InvalidArgs: no TOML, unknown keys, wrong types; in one line, and says which line.
        """
        try:
            document = tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            raise InvalidArgs(f"policy {os.fspath(name)}: {error}") from error
        try:
            return msgspec.convert(document, cls)
        except (ValueError, RecursionError) as error:
            raise InvalidArgs(f"policy {os.fspath(name)}: {error}{_line(text, error)}") from error

    def grant_for(self, who: Credentials, channel: Handle) -> Grant:
        """Gather what the rules grant to the client at the other end of `channel`."""
        needed = any(rule.unit is not None or rule.cgroup is not None for rule in self.rule)
        return self.judge(subject_of_peer(who, channel, with_cgroup=needed))

    def judge(self, subject: Subject) -> Grant:
        """Gather what the rules grant to a client (rule 1)."""
        holding = [rule for rule in self.rule if rule.matches(subject)]
        namespace = Namespace(
            tuple(dict.fromkeys(each for rule in holding for each in rule.open)),
            tuple(dict.fromkeys(each for rule in holding for each in rule.register)),
            tuple(dict.fromkeys(each for rule in holding for each in rule.inspect)),
        )
        return Grant(namespace, self._quotas(holding))

    def _quotas(self, holding: Sequence[Rule]) -> Quotas:
        client = Quota.most_generous(rule.limits.client for rule in holding)
        uid = Quota.most_generous(rule.limits.uid for rule in holding)
        return Quotas(client.or_else(self.limits.client), uid.or_else(self.limits.uid))


def read_policy(path: str | os.PathLike[str]) -> str:
    """Read a policy file's text.

    It waits for nobody: whoever reads it may be a daemon that serves others.
    Raises: NotFound. InvalidArgs: it cannot be read, is a pipe, is too long, or no UTF-8.
    """
    file = Path(path)
    try:
        with open(file, "rb", opener=_open_at_once) as source:
            if stat.S_ISFIFO(os.fstat(source.fileno()).st_mode):
                raise InvalidArgs(f"policy {file} is no file, but a pipe")
            text = source.read(_MAX_POLICY_BYTES + 1)
    except FileNotFoundError as error:
        raise NotFound(f"policy {file} is not there") from error
    except OSError as error:
        raise InvalidArgs(f"policy {file}: {error.strerror}") from error
    if len(text) > _MAX_POLICY_BYTES:
        raise InvalidArgs(f"policy {file} exceeds {_MAX_POLICY_BYTES} bytes")
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise InvalidArgs(f"policy {file}: {error}") from error


def _open_at_once(path: str, flags: int) -> int:
    """Open a file without waiting for whoever is to write it. Source: fifo(7)."""
    return os.open(path, flags | os.O_NONBLOCK)


def first_like(value: str, patterns: Sequence[str]) -> str | None:
    """Answer the first of the patterns that `value` matches (rule 2)."""
    return next((each for each in patterns if fnmatch.fnmatchcase(value, each)), None)


def uid_of(wanted: int | str) -> int | None:
    """Answer the uid of a user, or None where there is none of that name now."""
    if isinstance(wanted, int):
        return wanted
    try:
        return pwd.getpwnam(wanted).pw_uid
    except (KeyError, ValueError):  # a dynamic user exists only while its unit runs
        return None


def gid_of(wanted: int | str) -> int | None:
    """Answer the gid of a group, or None where there is none of that name now."""
    if isinstance(wanted, int):
        return wanted
    try:
        return grp.getgrnam(wanted).gr_gid
    except (KeyError, ValueError):  # as above; a name that no user can have is a ValueError
        return None


def _is_user(wanted: int | str, who: Credentials) -> bool:
    return uid_of(wanted) == who.uid


def _any_of(wanted: Sequence[object]) -> str:
    return " or ".join(map(str, wanted)) or "any of none"


def _line(text: str, error: Exception) -> str:
    """Say in which line what msgspec has found stands, where it says where."""
    path, unknown = _PATH.search(str(error)), _UNKNOWN.search(str(error))
    place = place_of(path[1]) if path else ()
    if unknown:
        place = (*place, unknown[1])
    line = line_at(lines_of(text), place)
    return "" if line is None else f" (line {line})"
