"""Where a layout without a name stands, and the name that follows from that."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ipcrt.fidl.canonical import upper_camel

if TYPE_CHECKING:
    from ipcrt.fidl.source import Span


@dataclasses.dataclass(slots=True, eq=False)
class NamingContext:
    """A declaration, or a place inside one.

    `suffix` is "Request", "Response" or nothing; `span` is that of the name, if there is one.
    """

    name: str
    parent: NamingContext | None = None
    suffix: str = ""
    override: str | None = None
    span: Span | None = None

    def member(self, name: str) -> NamingContext:
        """The place of a member."""
        return NamingContext(name, self)

    def payload(self, method: str, suffix: str) -> NamingContext:
        """The place of a method's request or response."""
        return NamingContext(method, self, suffix)

    @property
    def flattened(self) -> str:
        """The name of a layout that stands here."""
        if self.override is not None:
            return self.override
        if self.parent is None:
            return self.name
        if self.suffix:
            return upper_camel(self.parent.name) + upper_camel(self.name) + self.suffix
        return upper_camel(self.name)

    @property
    def path(self) -> list[str]:
        """The names that lead here."""
        found: list[str] = []
        here: NamingContext | None = self
        while here is not None:
            if here.suffix:
                found.append(here.suffix)
            found.append(here.name)
            here = here.parent
        return found[::-1]
