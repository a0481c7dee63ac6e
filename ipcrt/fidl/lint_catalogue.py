"""Every check of the linter: its id, how sure it is, and why one should care.

A WARNING is about what is written; an ADVICE guesses from names and shapes, and may be wrong.
An id is part of what users write into their files: it is never reused for another meaning.
"""

from __future__ import annotations

import dataclasses
import enum
from typing import Final


class Level(enum.Enum):
    """How sure a check is."""

    WARNING = "warning"
    ADVICE = "advice"


@dataclasses.dataclass(frozen=True, slots=True)
class Check:
    """One check; `reason` is what a person is told beside the message."""

    id: str
    level: Level
    reason: str


_WARNINGS: Final = {
    # ---- types
    "unbounded-vector": "Without a bound nobody can say how large a message gets, nor refuse abuse "
    "early. Write MAX where nothing but the message's size is the limit.",
    "unbounded-string": "Without a bound nobody can say how large a message gets. A bound counts "
    "bytes of UTF-8: allow four for each code point, or write MAX.",
    "handle-without-subtype": "A handle of any kind can only be checked after the fact; name the "
    "object that is meant.",
    "handle-without-rights": "Rights say what the receiver is meant to do; left out, they become "
    "whatever the sender happened to have.",
    "same-rights": "SAME_RIGHTS switches the check of rights off; it is for forwarding handles "
    "whose rights one cannot know.",
    # ---- layouts
    "implicit-flexibility": "Whether unknown members are let pass decides how the type can grow; "
    "say strict or flexible, do not leave it to the default.",
    "zero-enum-member": "Many languages start integers at 0, so a 0 may be a forgotten value. "
    "Begin at 1, or let 0 mean unknown, none or default.",
    "ok-in-error-enum": "An error type lists errors; success is the answer itself.",
    "anonymous-error-enum": "Each method would get an error type of its own, and callers could not "
    "handle them alike; declare one.",
    "ordinal-gap": "Ordinals count from 1 without gaps. Where a member was removed, its ordinal "
    "stays unused for ever: silence this there and say so.",
    "ordinal-order": "Members in the order of their ordinals show at once which one comes next.",
    "fields-bits-mismatch": "Bits that name a table's fields are flexible as the table is, and "
    "each is 1 << (ordinal - 1) of its field.",
    "variant-enum-mismatch": "An enum that names a union's variants has their ordinals as values "
    "and the union's own strictness.",
    "modifier-order": "strict or flexible first, then resource: one order for all.",
    # ---- names
    "name-case": "One case for each kind of name lets each language derive its own from it.",
    "name-repeats-library": "The library's name stands before it anyway.",
    "name-repeats-type": "The type's name stands before the member's anyway.",
    "event-name": "Events begin with On, so that a reader sees who speaks.",
    "vague-library-name": "Words as common, util or service say nothing of what is inside.",
    "library-too-deep": "More than four components mostly mirror who wrote a library, not what "
    "it is about.",
    "several-library-versions": "One number, behind one component, says which version it is.",
    "dependency-on-specific": "A general library that needs a more specific one cannot be used "
    "without it, and ties the two for good.",
    # ---- protocols
    "implicit-openness": "open, ajar or closed decides what may be added later; say which.",
    "implicit-strictness": "Whether the other side may not know a method decides how it can be "
    "removed; say strict or flexible.",
    "set-verb": "Set and Override leave open whether absent fields are kept. Update changes what "
    "is present, Replace everything.",
    "client-end-in-response": "The caller must wait a round trip before it may use the protocol. "
    "Let it make both ends and send the server's: it can call at once.",
    "service-hub": "A protocol that only hands out others hides them from whoever decides who "
    "may have which; make them discoverable themselves.",
    "empty-protocol": "A protocol without methods can mean something by being closed; its doc "
    "comment must say what.",
    "unbounded-page": "A page without a real bound is no page: the iterator is there to keep each "
    "answer small.",
    # ---- docs
    "undocumented": "Someone who cannot read the server's code must be able to use it rightly.",
    "todo-in-doc": "A doc comment is for users; what is left to do goes into a plain comment.",
    # ---- silencing
    "unknown-check": "A comment silences a check that does not exist.",
    "unused-silence": "Nothing is there to be silenced any more; remove the comment.",
}
_ADVICE: Final = {
    # ---- types
    "uint8-for-bytes": "byte says that the numbers are data, not counts.",
    "bound-beyond-message": "A message holds 64 KiB. What may be larger is better paged, or "
    "handed over as memory (a VMO).",
    "string-for-bytes": "A string is UTF-8 and is refused if it is not; data that need not be text "
    "is a vector or array of byte.",
    "bytes-for-text": "What is text is better a string: everybody may then rely on UTF-8.",
    "vector-for-fixed-size": "What always has the same length is an array.",
    "boolean-may-grow": "A third state would need a second field; an enum takes a new member.",
    "signed-count": "What can never be negative is better unsigned.",
    "unit-missing": "A bare number invites a factor of a thousand. Put the unit in the name "
    "(_ns, _ms, _hz, _bytes), or use a type that has one.",
    "sensitive-data": "Personal or traceable data spreads to whoever can call. Is it needed here, "
    "or would an identifier do that is local to the connection?",
    "magic-absence": "Absence said by a special value is easily forgotten and may one day be "
    "wanted as a value; make the member optional.",
    # ---- layouts
    "struct-of-optionals": "A struct cannot grow, and every absent member still costs its place; "
    "a table can, and costs nothing.",
    "settings-struct": "Settings and the like grow. A table takes a new field without breaking "
    "anybody.",
    "enum-as-flags": "Values that are all powers of two are mostly meant to be combined: bits.",
    "strict-error-enum": "New errors will be found; a strict enum makes each one a break.",
    "repeated-anonymous-type": "Two anonymous types with the same members are two types that no "
    "code can treat alike; name one.",
    "undocumented-member": "A name is rarely enough: say units, limits, and what absence means.",
    # ---- names
    "reserved-word": "It is a reserved word somewhere, and bindings would have to bend it.",
    "vague-protocol-name": "Manager, Service and the like say nothing of what it does.",
    # ---- protocols
    "boolean-result": "Whether it worked is what `error` is for; it also says why it did not.",
    "status-in-response": "A status beside the values makes a response that is half valid; "
    "`error` makes it either.",
    "error-message": "Clients will parse it, and it will need translation, or tell too much. "
    "Give an enum, and parameters as fields.",
    "integer-error": "An enum says which errors there are; a bare integer does not.",
    "mixed-errors": "One error type for all methods of a protocol can be handled in one place.",
    "event-pagination": "Events have no flow control: the server can flood the client, which "
    "cannot stop it. Let the client pull from an iterator.",
    "iterator-without-get": "An iterator is pulled: Get or GetNext answers a page, an empty one at "
    "the end.",
    "no-synchronization": "One-way methods alone let the client run ahead without end; add a "
    "two-way one (Flush, Commit, Ready) to wait for.",
}

CHECKS: Final = {
    id_: Check(id_, level, reason)
    for level, reasons in ((Level.WARNING, _WARNINGS), (Level.ADVICE, _ADVICE))
    for id_, reason in reasons.items()
}
"""Every check by its id."""
