"""What is checked last: attributes in their places, and imports that nobody uses."""

from __future__ import annotations

from ipcrt.fidl.attribute_names import (
    LOCATIONS,
    OFFICIAL,
    TRANSPORTS,
    Placement,
    Schema,
)
from ipcrt.fidl.attributes import string_arg
from ipcrt.fidl.canonical import is_discoverable_name
from ipcrt.fidl.diagnostics import Reporter
from ipcrt.fidl.elements import Attr, Element
from ipcrt.fidl.library import Library, Session


def check_attributes(library: Library, session: Session, reporter: Reporter) -> None:
    """Report official attributes in places that are not theirs, or with values they cannot have."""
    for element in library.each_element():
        for attribute in element.attributes:
            schema = OFFICIAL.get(attribute.name)
            if schema is None:
                continue
            if schema.deprecated:
                reporter.error("fi-0121", attribute.span, attribute.name)
            elif not _fits(schema, element):
                reporter.error("fi-0120", attribute.span, attribute.name)
            else:
                _check_value(attribute, session, reporter)


def _fits(schema: Schema, element: Element) -> bool:
    if schema.placement is Placement.LISTED:
        return element.kind in schema.kinds
    if schema.placement is Placement.ANONYMOUS:
        return element.is_anonymous_layout
    return schema.placement is Placement.ANYWHERE or not element.is_anonymous_layout


def _check_value(attribute: Attr, session: Session, reporter: Reporter) -> None:
    if attribute.name == "transport":
        found = string_arg(attribute, "value")
        if found is not None and found[0] not in TRANSPORTS:
            reporter.error("fi-0142", attribute.span, found[0], ", ".join(TRANSPORTS))
    elif attribute.name == "no_resource":
        if "no_resource_attribute" not in session.flags:
            reporter.error("fi-0222", attribute.span)
    elif attribute.name == "discoverable":
        found = string_arg(attribute, "name")
        if found is not None and not is_discoverable_name(found[0]):
            reporter.error("fi-0135", found[1], found[0])
        for side in ("client", "server"):
            found = string_arg(attribute, side)
            if found is not None and locations(found[0]) is None:
                reporter.error("fi-0210", found[1], found[0])


def locations(text: str) -> list[str] | None:
    """Read a list of locations, `platform,external`; None where it is none."""
    if not text:
        return []
    found = [part.strip(" ") for part in text.split(",")]
    if len(set(found)) != len(found) or not LOCATIONS.issuperset(found):
        return None
    return sorted(found, reverse=True)


def check_imports(library: Library, reporter: Reporter) -> None:
    """Report imports that no name in their file uses."""
    for imports in library.imports.values():
        for found in imports.values():
            if not found.used:
                name = found.library.name
                reporter.error("fi-0178", found.span, f"library '{library.name}'", name)
