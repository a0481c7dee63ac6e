"""Arguments: words of a command line become a method's request.

A word is a JSON object, or NAME=VALUE, where NAME may reach into a struct: `item.key=a`. The
method's types say how a value is read: text as it stands, bytes as text in UTF-8, an enum by its
name, a VMO or an open file as @PATH, everything else as JSON. In JSON, bytes that are no text are
{"base64": "..."}. What may be absent, may be left out.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from msgspec import NODEFAULT, inspect

from ipcrt.cli.complaint import Misused
from ipcrt.errors import from_oserror
from ipcrt.objects.handle import Handle, close_all
from ipcrt.objects.vmo import Vmo

_Tree = dict[str, Any]


class _Word(str):
    """A value as it was typed, to be read as its type wants."""

    __slots__ = ()


def read_arguments(request: Any, words: Sequence[str]) -> Any:
    """Make a value of the type `request` out of `words`; it owns the handles in it.

    Raises: Misused: a word that cannot be read, or does not belong; IpcError: a file
    that cannot be opened. Bounds are left to the codec.
    """
    tree = _gather(words)
    if request is type(None):
        if tree:
            raise Misused(f"the method takes no arguments, got {', '.join(tree)}")
        return None
    reader = _Reader()
    try:
        return reader.read(inspect.type_info(request), tree, "")
    except BaseException:
        close_all(reader.opened)
        raise


def _gather(words: Sequence[str]) -> _Tree:
    tree: _Tree = {}
    for word in words:
        if word.startswith("{"):
            tree |= _json_object(word)
            continue
        path, equals, value = word.partition("=")
        if not equals:
            raise Misused(f"{word!r} is neither NAME=VALUE nor a JSON object")
        _put(tree, path, _Word(value))
    return tree


def _json_object(text: str) -> _Tree:
    found = _json(text, "an argument")
    assert isinstance(found, dict)  # it begins with a brace
    return cast("_Tree", found)


def _json(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise Misused(f"{what}: {text!r} is no JSON: {error}") from None


def _put(tree: _Tree, path: str, value: _Word) -> None:
    *outer, last = path.split(".")
    for name in outer:
        inner = tree.setdefault(name, {})
        if not isinstance(inner, dict):
            raise Misused(f"{path}: {name} has a value already")
        tree = cast("_Tree", inner)
    tree[last] = value


class _Reader:
    """Reads values by their types; keeps the handles that it opened."""

    def __init__(self) -> None:
        self.opened: list[Handle] = []

    def read(self, info: inspect.Type, value: Any, path: str) -> Any:
        if isinstance(info, inspect.StructType):
            return self._struct(info, value, path)
        if isinstance(info, inspect.UnionType):
            return self._optional(info, value, path)
        if isinstance(info, inspect.CustomType):
            return self._handle(info.cls, value, path)
        if isinstance(info, inspect.BytesType):
            return _bytes(value, path)
        if isinstance(info, inspect.StrType):
            return str(value) if isinstance(value, str) else value
        if isinstance(info, inspect.EnumType):
            return _enum(info.cls, value, path)
        if isinstance(value, _Word):
            value = _json(value, path)
        if isinstance(info, inspect.ListType) and isinstance(value, list):
            items = cast("Sequence[Any]", value)
            return [self.read(info.item_type, each, f"{path}[]") for each in items]
        return value

    def _struct(self, info: inspect.StructType, value: Any, path: str) -> Any:
        if isinstance(value, _Word):
            value = _json(value, path)
        if not isinstance(value, dict):
            raise Misused(f"{path} is a struct: give its members as {path}.NAME=VALUE")
        rest = dict(cast("_Tree", value))
        prefix = f"{path}." if path else ""
        members: _Tree = {}
        for field in info.fields:
            if field.name in rest:
                members[field.name] = self.read(
                    field.type, rest.pop(field.name), prefix + field.name
                )
            elif _may_be_absent(field.type):
                members[field.name] = None
            elif field.default is NODEFAULT and field.default_factory is NODEFAULT:
                raise Misused(f"{prefix}{field.name} is missing; {_usage(info)}")
        if rest:
            raise Misused(f"{prefix}{min(rest)} is unknown; {_usage(info)}")
        return info.cls(**members)

    def _optional(self, info: inspect.UnionType, value: Any, path: str) -> Any:
        if value is None:
            return None
        present = [each for each in info.types if not isinstance(each, inspect.NoneType)]
        return self.read(present[0], value, path) if len(present) == 1 else value

    def _handle(self, kind: type, value: Any, path: str) -> Handle:
        if kind not in (Handle, Vmo) or not str(value).startswith("@"):
            wanted = "give a file as @PATH" if kind in (Handle, Vmo) else "none can be given here"
            raise Misused(f"{path} is a {kind.__name__}: {wanted}")
        handle = _open(Path(str(value)[1:]), kind)
        self.opened.append(handle)
        return handle


def _open(path: Path, kind: type) -> Handle:
    try:
        if kind is Vmo:
            return Vmo.from_bytes(path.read_bytes(), "argument")
        return Handle(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        raise from_oserror(error, f"open {path}") from error


def _bytes(value: Any, path: str) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    if isinstance(value, dict) and value.keys() == {"base64"}:
        encoded = cast("dict[str, Any]", value)["base64"]
        try:
            return base64.b64decode(encoded, validate=True)
        except (binascii.Error, TypeError, ValueError) as error:
            raise Misused(f"{path}: {error}") from None
    raise Misused(f'{path} is bytes: give text, or {{"base64": "..."}}')


def _enum(kind: Any, value: Any, path: str) -> Any:
    if isinstance(value, str):
        if value in kind.__members__:
            return kind[value]
        names = ", ".join(kind.__members__)
        raise Misused(f"{path} has no value {value}; it has {names}")
    return value


def _may_be_absent(info: inspect.Type) -> bool:
    return isinstance(info, inspect.UnionType) and any(
        isinstance(each, inspect.NoneType) for each in info.types
    )


def _usage(info: inspect.StructType) -> str:
    return "it takes " + ", ".join(field.name for field in info.fields)
