"""Versioned declarations, cut into pieces that each look the same at every version they cover.

1. Every element starts with the versions at which it changes itself.
2. They spread: from members to their declaration, from what is referred to to what refers to it,
   from a protocol to the result unions of its methods; each within its own time.
3. A declaration is cut at its versions; each piece has the members and modifiers of its time, and
   its references are made anew.
"""

from __future__ import annotations

from itertools import pairwise

from ipcrt.fidl.clone import clone
from ipcrt.fidl.constants import RefState
from ipcrt.fidl.elements import Decl, Element, Method, Protocol
from ipcrt.fidl.library import Library, Session
from ipcrt.fidl.references import refs_in_element
from ipcrt.fidl.versions import UNVERSIONED, Range, overlap, shared


def decompose(library: Library, session: Session) -> None:
    """Cut a library's declarations into pieces; keys of references must be known."""
    if library.platform == UNVERSIONED:
        _narrow_all(library)
        return
    points = _Points(library, session)
    pieces: list[Decl] = []
    for decl in library.decls:
        ranges = points.ranges(decl)
        if len(ranges) == 1:
            narrow(decl, ranges[0])
            pieces.append(decl)
        else:
            pieces += [clone(decl, piece) for piece in ranges]
    library.replace(pieces)


def _narrow_all(library: Library) -> None:
    """All of an unversioned library exists at the same time."""
    for decl in library.decls:
        narrow(decl, decl.availability.range)


def narrow(decl: Decl, piece: Range) -> None:
    """Make a declaration that is in one piece that piece."""
    decl.availability = decl.availability.narrowed(piece)
    for _, child in decl.each_child():
        child.availability = child.availability.narrowed(piece)


class _Points:
    """The versions at which elements change, and how they spread."""

    def __init__(self, library: Library, session: Session) -> None:
        self._library = library
        self._session = session
        self._points: dict[Element, set[int]] = {}
        self._heirs: dict[Element, set[Element]] = {}
        self._connect()
        self._spread()

    def ranges(self, decl: Decl) -> list[Range]:
        """The pieces of a declaration."""
        points = sorted(self._points[decl])
        return [
            (start, end)
            for start, end in pairwise(points)
            if any(overlap((start, end), present) for present in decl.availability.ranges)
        ]

    def _add(self, giver: Element, heir: Element) -> None:
        for element in (giver, heir):
            if element not in self._points:
                self._points[element] = element.availability.points
        self._heirs.setdefault(giver, set()).add(heir)

    def _connect(self) -> None:
        library = self._library
        for decl in library.decls:
            self._points.setdefault(decl, decl.availability.points)
            self._connect_references(decl)
            for parent, child in decl.each_child():
                self._add(child, parent)
                self._connect_references(child)
                if isinstance(child, Method) and child.result and isinstance(decl, Protocol):
                    for union in library.by_name[child.result]:
                        self._add(decl, union)

    def _connect_references(self, element: Element) -> None:
        for ref, _ in refs_in_element(element):
            if ref.state is not RefState.KEY:
                continue
            library = (
                self._library
                if ref.library == self._library.name
                else self._session.library(ref.library)
            )
            if library is None or library.platform != self._library.platform:
                continue
            for target in library.by_name.get(ref.name, ()):
                if target is not element and shared(target.availability, element.availability):
                    self._add(target, element)

    def _spread(self) -> None:
        waiting = list(self._points)
        while waiting:
            giver = waiting.pop()
            given = self._points[giver]
            for heir in self._heirs.get(giver, ()):
                points = self._points[heir]
                low, high = min(points), max(points)
                new = {point for point in given if low < point < high} - points
                if new:
                    points |= new
                    waiting.append(heir)
