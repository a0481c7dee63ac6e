"""Arguments: words of a command line become a method's request.

A word is a JSON object, or NAME=VALUE, where NAME may reach into what has members: `item.key=a`.
The method's types say how a value is read: text as it stands, bytes as text in UTF-8, numbers,
enums by their names, bits as `A|B`, a VMO or an open file as @PATH, lists in JSON. In JSON, bytes
that are no text are {"base64": "..."}. A request that is a table or a union is given by its
members, as one that is a struct.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from msgspec import inspect

from ipcrt.bindings.plain import is_map
from ipcrt.cli.complaint import Misused
from ipcrt.cli.leaves import Word, read_json
from ipcrt.cli.values import Reader, Tree


def read_arguments(request: Any, words: Sequence[str], reader: Reader | None = None) -> Any:
    """Make a value of the type `request` out of `words`; it owns the handles in it.

    Raises: Misused: a word that cannot be read, or does not belong; IpcError: a file
    that cannot be opened. Then all that `reader` opened is closed.
    """
    tree = _gather(words)
    if request is type(None):
        if tree:
            raise Misused(f"the method takes no arguments, got {', '.join(tree)}")
        return None
    reader = reader or Reader()
    try:
        return reader.read(inspect.type_info(request), tree)
    except BaseException as error:
        reader.close()
        if isinstance(error, RecursionError):
            raise Misused("the arguments nest too deep") from None
        raise


def _gather(words: Sequence[str]) -> Tree:
    tree: Tree = {}
    for word in words:
        if word.startswith("{"):
            tree |= _json_object(word)
            continue
        path, equals, value = word.partition("=")
        if not equals:
            raise Misused(f"{word!r} is neither NAME=VALUE nor a JSON object")
        _put(tree, path, Word(value))
    return tree


def _json_object(text: str) -> Tree:
    found = read_json(text, "an argument", "an object")
    assert is_map(found)  # it begins with a brace
    return found


def _put(tree: Tree, path: str, value: Word) -> None:
    *outer, last = path.split(".")
    for name in outer:
        inner = tree.setdefault(name, {})
        if not isinstance(inner, dict):
            raise Misused(f"{path}: {name} has a value already")
        tree = cast("Tree", inner)
    tree[last] = value
