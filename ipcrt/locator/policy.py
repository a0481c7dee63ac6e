"""Policy: which client sees which protocol. A TOML file, or the default.

    [[rule]]
    user = ["alice", 1000]                 # uid or name; any of them
    group = ["video"]                      # gid or name, primary or supplementary
    unit = ["ipcrt-service@*.service"]     # system unit, shell pattern
    open = ["ipcrt.kvstore/*"]             # what such a client may open
    register = []                          # what such a client may offer
    inspect = ["ipcrt.kvstore/*"]          # whose diagnostics such a client may read

A rule holds for clients that match all the conditions it names; what a client may do is what any
of the rules that hold for it grants. What is not granted is denied. In a pattern, `*` stands for
any characters, `/` too. Root, and whoever runs a service, may read its diagnostics without a rule.
Without a file, root and the daemon's own user may do everything, others nothing.
"""

from __future__ import annotations

import fnmatch
import grp
import os
import pwd
import tomllib
from pathlib import Path
from typing import Final, Self

import msgspec

from ipcrt.errors import InvalidArgs, NotFound
from ipcrt.locator.credentials import Credentials, peer_unit
from ipcrt.objects.handle import Handle

_MAX_POLICY_BYTES: Final = 1 << 20


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule; a condition that is absent holds for everybody."""

    user: list[int | str] | None = None
    group: list[int | str] | None = None
    unit: list[str] | None = None
    open: list[str] = []
    register: list[str] = []
    inspect: list[str] = []

    def matches(self, who: Credentials, unit: str | None) -> bool:
        """True where all conditions hold for the client."""
        if self.user is not None and not any(_is_user(each, who) for each in self.user):
            return False
        if self.group is not None and not any(_gid(each) in who.groups for each in self.group):
            return False
        return self.unit is None or (
            unit is not None and any(fnmatch.fnmatchcase(unit, each) for each in self.unit)
        )


class Namespace(msgspec.Struct, frozen=True):
    """What one client may open, register and inspect: shell patterns over protocol names."""

    openable: tuple[str, ...]
    registrable: tuple[str, ...]
    inspectable: tuple[str, ...] = ()

    def may_open(self, name: str) -> bool:
        """True where the client may open `name`."""
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.openable)

    def may_register(self, name: str) -> bool:
        """True where the client may offer `name` to others."""
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.registrable)

    def may_inspect(self, service: str) -> bool:
        """True where the client may read the diagnostics of whoever offers `service`."""
        return any(fnmatch.fnmatchcase(service, pattern) for pattern in self.inspectable)


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All rules."""

    rule: list[Rule] = []

    @classmethod
    def default(cls) -> Self:
        """Everything for root and for the user that this process runs as."""
        everything = ["*"]
        rule = Rule([0, os.geteuid()], open=everything, register=everything, inspect=everything)
        return cls([rule])

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a policy file.

        Raises: NotFound. InvalidArgs: no TOML, unknown keys, wrong types; says where.
        """
        file = Path(path)
        try:
            with file.open("rb") as source:
                text = source.read(_MAX_POLICY_BYTES + 1)
        except FileNotFoundError as error:
            raise NotFound(f"policy {file} is not there") from error
        except OSError as error:
            raise InvalidArgs(f"policy {file}: {error.strerror}") from error
        if len(text) > _MAX_POLICY_BYTES:
            raise InvalidArgs(f"policy {file} exceeds {_MAX_POLICY_BYTES} bytes")
        try:
            return msgspec.convert(tomllib.loads(text.decode()), cls)
        except (ValueError, msgspec.ValidationError, RecursionError) as error:
            raise InvalidArgs(f"policy {file}: {error}") from error

    def namespace_for(self, who: Credentials, channel: Handle) -> Namespace:
        """Gather what the rules grant to the client at the other end of `channel`."""
        needs_unit = any(rule.unit is not None for rule in self.rule)
        unit = peer_unit(channel, who.pid) if needs_unit else None
        openable: dict[str, None] = {}
        registrable: dict[str, None] = {}
        inspectable: dict[str, None] = {}
        for rule in self.rule:
            if rule.matches(who, unit):
                openable.update(dict.fromkeys(rule.open))
                registrable.update(dict.fromkeys(rule.register))
                inspectable.update(dict.fromkeys(rule.inspect))
        return Namespace(tuple(openable), tuple(registrable), tuple(inspectable))


def _is_user(wanted: int | str, who: Credentials) -> bool:
    if isinstance(wanted, int):
        return wanted == who.uid
    try:
        return pwd.getpwnam(wanted).pw_uid == who.uid
    except (KeyError, ValueError):  # a dynamic user exists only while its unit runs
        return False


def _gid(wanted: int | str) -> int | None:
    if isinstance(wanted, int):
        return wanted
    try:
        return grp.getgrnam(wanted).gr_gid
    except (KeyError, ValueError):  # as above; a name that no user can have is a ValueError
        return None
