"""Names: which spellings count as one, and how names are built for layouts that have none."""

from __future__ import annotations

import functools
import re
from typing import Final

_IDENTIFIER: Final = re.compile(r"[A-Za-z](?:[A-Za-z0-9_]*[A-Za-z0-9])?")
_COMPONENT: Final = re.compile(r"[a-z][a-z0-9]*")
_LIBRARY: Final = r"[a-z][a-z0-9]*(?:\.[a-z][a-z0-9]*)*"
_NAME: Final = r"[A-Za-z](?:[A-Za-z0-9_]*[A-Za-z0-9])?"
_SELECTOR: Final = re.compile(rf"{_LIBRARY}/{_NAME}\.{_NAME}")
_DISCOVERABLE: Final = re.compile(rf"{_LIBRARY}\.{_NAME}")
_RUN: Final = re.compile(r"__+")
_BOUNDARY: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Za-z0-9])(?=[A-Z][a-z])")


@functools.cache
def canonical(name: str) -> str:
    """Answer the form under which names collide: `fooBar`, `FOO_BAR` and `FooBar` are `foo_bar`."""
    return _BOUNDARY.sub("_", _RUN.sub("_", name.lstrip("_"))).lower()


def is_identifier(text: str) -> bool:
    """True for one name."""
    return _IDENTIFIER.fullmatch(text) is not None


def is_library_component(text: str) -> bool:
    """True for one part of a library's name, and for a platform's name."""
    return _COMPONENT.fullmatch(text) is not None


def is_selector(text: str) -> bool:
    """True for `library.name/Protocol.Method`."""
    return _SELECTOR.fullmatch(text) is not None


def is_discoverable_name(text: str) -> bool:
    """True for `library.name.Protocol`."""
    return _DISCOVERABLE.fullmatch(text) is not None


def _words(name: str) -> list[str]:
    if len(name) >= 2 and name[0] == "k" and name[1].isupper():
        name = name[1:]
    found: list[str] = []
    word = ""
    previous_upper = True
    for index, char in enumerate(name):
        if char in "_-.":
            if word:
                found.append(word)
            word, previous_upper = "", True
            continue
        upper = char.isupper()
        if upper and word and (not previous_upper or name[index + 1 : index + 2].islower()):
            found.append(word)
            word = ""
        word += char.lower()
        previous_upper = upper
    if word:
        found.append(word)
    return found


@functools.cache
def upper_camel(name: str) -> str:
    """Answer the name as `UpperCamelCase`; digits that would run together keep a `_`."""
    built = ""
    for word in _words(name):
        if built and built[-1].isdigit() and word[0].isdigit():
            built += "_"
        built += word[0].upper() + word[1:]
    return built


@functools.cache
def lower_snake(name: str) -> str:
    """Answer the name as `lower_snake_case`."""
    return "_".join(_words(name))
