"""Query: what stands behind the `?` of a URI: flags such as `append`, and fields `name=value`."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

from ipcrt.errors import InvalidArgs

MAX_FIELDS: Final = 256
MAX_NUMBER: Final = (1 << 63) - 1


class Query:
    """The fields of one URI, in order. A flag is on where it stands, unless it says `=0`."""

    def __init__(self, uri: str, known: frozenset[str]) -> None:
        """Raises: InvalidArgs: a field that is not `known`, more than 256, or a NUL."""
        text = uri.partition("?")[2]
        try:
            self._fields = parse_qsl(
                text, keep_blank_values=True, errors="surrogateescape", max_num_fields=MAX_FIELDS
            )
        except ValueError as error:
            raise InvalidArgs(f"query of {len(text)} characters: {error}") from error
        for name, value in self._fields:
            if name not in known:
                raise InvalidArgs(f"{name!r:.40} is none of {', '.join(sorted(known))}")
            if "\0" in value:
                raise InvalidArgs(f"{name} holds a NUL")

    def flag(self, name: str) -> bool:
        """True where `name` stands. Raises: InvalidArgs: with a value other than 0 and 1."""
        value = self._last(name)
        if value not in (None, "", "0", "1"):
            raise InvalidArgs(f"{name}={value:.40} is neither on nor off")
        return value in ("", "1")

    def number(self, name: str) -> int | None:
        """Answer a whole number, or None. Raises: InvalidArgs: something else."""
        value = self._last(name)
        if value is None:
            return None
        if not (value.isascii() and value.isdigit() and len(value) <= 19):
            raise InvalidArgs(f"{name}={value:.40} is no number")
        number = int(value)
        if number > MAX_NUMBER:
            raise InvalidArgs(f"{name}={value} exceeds {MAX_NUMBER}")
        return number

    def all(self, name: str) -> list[str]:
        """Answer every value under `name`, in order."""
        return [value for each, value in self._fields if each == name]

    def _last(self, name: str) -> str | None:
        values = self.all(name)
        return values[-1] if values else None
