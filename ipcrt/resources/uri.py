"""URIs: templates that they match, queries, and the method that is named behind one.

    file:///{path:path}     all the rest: may be empty, may hold slashes; stands last
    kv://{store}/{key}      some of it: not empty, up to what stands behind it; never a slash
    tcp://{host}:{port:int} a number of at most 18 digits

1. A template is matched against a URI without its query (`?...`); no URI has a fragment, because
   `#` stands between the URI and the name in the `method` of an Invoke.
2. What a parameter matches is percent-decoded, to the name that a file has in Python: bytes that
   are no UTF-8 become surrogate escapes. A decoded NUL never matches, nor does a decoded slash,
   except in a path. `..` is left to whoever opens the path.
3. Matching takes time in proportion to the URI's length, whatever the template.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, TypeAlias
from urllib.parse import parse_qsl, unquote

from ipcrt.errors import InvalidArgs
from ipcrt.resources.limits import MAX_METHOD_NAME_BYTES, MAX_URI_BYTES

Parameters: TypeAlias = dict[str, str | int]

_PARAMETER: Final = re.compile(r"\{([a-z_][a-z0-9_]*)(?::([a-z]+))?\}")
_MAX_QUERY_FIELDS: Final = 64


class Template:
    """A URI with parameters in it."""

    __slots__ = ("_kinds", "_pattern", "text")

    def __init__(self, text: str) -> None:
        """Raises: ValueError: it says what no URI can match, or not clearly what does."""
        self.text: Final = text
        self._kinds: dict[str, str] = {}
        if "?" in text or "#" in text:
            raise ValueError(f"{text}: a template has neither query nor fragment")
        parts: list[str] = []
        end = 0
        for found in _PARAMETER.finditer(text):
            parts.append(_literal(text, text[end : found.start()]))
            end = found.end()
            parts.append(self._parameter(found[1], found[2] or "name", end))
        parts.append(_literal(text, text[end:]))
        self._pattern = re.compile("".join(parts), re.DOTALL)

    def _parameter(self, name: str, kind: str, end: int) -> str:
        text = self.text
        if name in self._kinds:
            raise ValueError(f"{text}: {name} stands twice")
        self._kinds[name] = kind
        behind = text[end : end + 1]
        if kind == "path":
            if behind:
                raise ValueError(f"{text}: {{{name}:path}} takes all, so nothing may follow")
            return f"(?P<{name}>[^?#]*)"
        if behind == "{":
            raise ValueError(f"{text}: what follows {{{name}}} must tell where it ends")
        if kind == "int":
            return f"(?P<{name}>[0-9]{{1,18}})"
        if kind == "name":
            return f"(?P<{name}>[^/?#{re.escape(behind)}]+)"
        raise ValueError(f"{text}: {{{name}:{kind}}}: a parameter is a name, an int or a path")

    def match(self, uri: str) -> Parameters | None:
        """Answer what the parameters are in `uri`, or None where it does not match."""
        found = self._pattern.fullmatch(uri.partition("?")[0])
        if found is None:
            return None
        values: Parameters = {}
        for name, raw in found.groupdict().items():
            kind = self._kinds[name]
            value = unquote(raw, errors="surrogateescape")
            if "\0" in value or (kind == "name" and "/" in value):
                return None
            values[name] = int(raw) if kind == "int" else value
        return values

    def __repr__(self) -> str:
        return f"<Template {self.text}>"


def _literal(text: str, part: str) -> str:
    if "{" in part or "}" in part:
        raise ValueError(f"{text}: a brace that begins or ends no parameter")
    return re.escape(part)


def query_of(uri: str) -> Mapping[str, str]:
    """Answer the query's fields; of several with one name the last.

    Raises: InvalidArgs: more than 64, or one without a `=`.
    """
    text = uri.partition("?")[2]
    try:
        pairs = parse_qsl(
            text,
            keep_blank_values=True,
            strict_parsing=bool(text),
            errors="surrogateescape",
            max_num_fields=_MAX_QUERY_FIELDS,
        )
    except ValueError as error:
        raise InvalidArgs(f"query of {len(text)} characters: {error}") from error
    return dict(pairs)


def join_method(uri: str | None, name: str) -> str:
    """Answer what names the method of a resource, or of the server itself where `uri` is None.

    Raises: InvalidArgs: a `#` in either, an empty name, or one of them too long.
    """
    if "#" in name or not name or len(name.encode()) > MAX_METHOD_NAME_BYTES:
        raise InvalidArgs(
            f"method name {name!r:.40} is empty, holds # or exceeds {MAX_METHOD_NAME_BYTES} bytes"
        )
    return name if uri is None else f"{check_uri(uri)}#{name}"


def split_method(method: str) -> tuple[str | None, str]:
    """Take apart what `join_method` answers; no URI: the server itself is meant."""
    uri, mark, name = method.rpartition("#")
    return (uri if mark else None), name


def check_uri(uri: str) -> str:
    """Answer `uri`. Raises: InvalidArgs: a fragment, or too long, or no Unicode."""
    try:
        size = len(uri.encode())
    except UnicodeEncodeError as error:
        raise InvalidArgs(f"URI is not Unicode: {error}") from error
    if size > MAX_URI_BYTES:
        raise InvalidArgs(f"URI of {size} bytes exceeds {MAX_URI_BYTES}")
    if "#" in uri:
        raise InvalidArgs("a URI holds no #, which would begin a method's name; write %23")
    return uri
