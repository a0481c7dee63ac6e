"""Modes: what `builtins.open` takes, and what of it a server is told, in its URI's query.

    r    nothing                    w    ?write&create&truncate
    a    ?append&create             x    ?write&create&exclusive

A `+` changes nothing of that, except that `r+` means either direction of one channel, or of a file
(see `seeking_source`). docs/io.md tells servers what to do.
"""

from __future__ import annotations

import dataclasses
from typing import Final, Self

_FLAGS: Final[dict[str, tuple[str, ...]]] = {
    "r": (),
    "w": ("write", "create", "truncate"),
    "a": ("append", "create"),
    "x": ("write", "create", "exclusive"),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Mode:
    """A mode, taken apart."""

    letter: str
    """`r`, `w`, `a` or `x`."""

    updating: bool
    text: bool

    @classmethod
    def parse(cls, mode: str) -> Self:
        """Take a mode apart. Raises: ValueError: it is none."""
        letters = set(mode)
        kinds = letters & set("rwax")
        if len(mode) != len(letters) or letters - set("rwax+bt") or len(kinds) != 1:
            raise ValueError(f"invalid mode: {mode!r}")
        if letters >= {"b", "t"}:
            raise ValueError("a mode is text or binary, not both")
        return cls(kinds.pop(), "+" in letters, "b" not in letters)

    @property
    def reading(self) -> bool:
        return self.letter == "r" or self.updating

    @property
    def writing(self) -> bool:
        return self.letter != "r" or self.updating

    @property
    def appending(self) -> bool:
        return self.letter == "a"

    @property
    def raw(self) -> str:
        """As a raw file tells its mode: `rb`, `rb+`."""
        return self.letter + ("b+" if self.updating else "b")

    def uri(self, uri: str) -> str:
        """Answer the URI that opens `uri` in this mode."""
        return with_fields(uri, *_FLAGS[self.letter])


def with_fields(uri: str, *fields: str) -> str:
    """Add fields to a URI's query, but for those that it has."""
    path, mark, query = uri.partition("?")
    there = [field for field in query.split("&") if field]
    names = {field.partition("=")[0] for field in there}
    there += [field for field in fields if field.partition("=")[0] not in names]
    return f"{path}?{'&'.join(there)}" if there else path + mark
