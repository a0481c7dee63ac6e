"""Why each kind of change breaks what it breaks. Ids are part of the output: never reused."""

from __future__ import annotations

from typing import Final

RULES: Final = {
    # ---- the library
    "library-renamed": "Ordinals are made from the library's name, and imports name it.",
    "declaration-added": "Nobody can have used it yet.",
    "declaration-removed": "Code that names it no longer builds.",
    "declaration-renamed": "Names of types do not travel, but code uses them.",
    "declaration-replaced": "Code names the old type; what travels is compared member by member.",
    "declaration-kind-changed": "Another kind of declaration is another encoding and another type.",
    "const-changed": "Programs built from either version work with different values.",
    "alias-changed": "Code that uses the alias now gets another type.",
    "deprecated": "It still works, and is on its way out.",
    # ---- types
    "type-changed": "The receiver reads something else than the sender wrote.",
    "bound-widened": "A receiver built from the old version refuses what is longer than it knows.",
    "bound-narrowed": "A receiver built from the new version refuses what used to be allowed.",
    "optional-added": "A receiver built from the old version refuses absence; readers must now "
    "expect it.",
    "optional-removed": "A receiver built from the new version refuses absence; writers may no "
    "longer leave it out.",
    "handle-subtype-changed": "A receiver refuses a handle to another kind of object.",
    "rights-raised": "A receiver built from the new version refuses handles with fewer rights.",
    "rights-lowered": "A receiver built from the old version refuses handles with fewer rights.",
    "endpoint-changed": "The two ends would speak different protocols, or the same role.",
    # ---- members
    "struct-member-added": "A struct has a fixed layout: a receiver refuses more or fewer members.",
    "struct-member-removed": "A struct has a fixed layout: a receiver refuses more or fewer "
    "members.",
    "struct-member-reordered": "Members of a struct are told apart by their places alone.",
    "member-renamed": "Names of members do not travel, but code uses them.",
    "default-changed": "Code that leaves the member out now sends another value.",
    "field-added": "A receiver passes over fields it does not know.",
    "field-removed": "A receiver passes over the field; code that names it no longer builds. Its "
    "ordinal must never be used again.",
    "variant-added": "A strict union's receiver refuses variants it does not know; a flexible "
    "one's sees an unknown one.",
    "variant-removed": "Code that names it no longer builds; a strict union's receiver refuses it.",
    "ordinal-changed": "The ordinal is the member's identity: what is sent under the old one is "
    "lost or mistaken for another.",
    "value-added": "A strict type's receiver refuses values it does not know; a flexible one's "
    "sees an unknown one.",
    "value-removed": "Code that names it no longer builds; a strict type's receiver refuses it.",
    "value-changed": "The value is the member's identity: each side takes it for another.",
    "subtype-changed": "The underlying type decides which values there can be, and their encoding.",
    "unknown-value-changed": "Code that asks for the unknown value gets another one.",
    "became-flexible": "The encoding is the same, but code must expect unknown members.",
    "became-strict": "The encoding is the same, but members that a later version adds will be "
    "refused.",
    "resource-changed": "Values that may hold handles are moved, not copied: code differs.",
    # ---- protocols
    "openness-widened": "More unknown methods are let pass than before.",
    "openness-narrowed": "Unknown methods that used to be let pass will close the connection.",
    "method-added": "A peer that does not know it answers so where it is flexible and the "
    "protocol open enough; otherwise it closes the connection.",
    "method-removed": "Code that calls it no longer builds; a peer that lacks it refuses calls "
    "that are strict.",
    "method-renamed": "The ordinal is kept, so the wire does not notice; code that names it does.",
    "method-ordinal-changed": "The ordinal is the method's identity on the wire. `@selector` keeps "
    "it through renames.",
    "method-kind-changed": "One side waits for what the other never sends.",
    "method-became-flexible": "A flexible two-way method answers a result; without `error`, a "
    "strict one does not. Otherwise nothing changes for peers that know it.",
    "method-became-strict": "A strict two-way method without `error` answers no result, a flexible "
    "one does. Otherwise only peers that lack it notice: they close the connection.",
    "payload-added": "A body where none was expected is refused, and the other way round.",
    "payload-removed": "A body where none was expected is refused, and the other way round.",
    "error-added": "A strict method's answer turns into a result; a flexible one's has a variant "
    "that old clients do not know.",
    "error-removed": "A strict method's answer is no longer a result; a flexible one's lacks a "
    "variant that new clients no longer know.",
    "discoverable-changed": "Clients find the protocol by its discoverable name.",
    "service-member-added": "Clients ask for members by name; nobody asks for it yet.",
    "service-member-removed": "Clients that ask for it find nothing.",
}
"""The reason behind each id."""

CAUTIOUS: Final = frozenset(
    (
        "const-changed",
        "default-changed",
        "unknown-value-changed",
        "became-flexible",
        "became-strict",
        "openness-narrowed",
        "method-added",
        "method-became-strict",
    )
)
"""Changes that, off the wire, ask for care rather than break: see the rules of abi_change."""
