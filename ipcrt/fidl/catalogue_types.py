"""Diagnostics of versions, types and experiments: their wording and advice."""

from __future__ import annotations

from typing import Final

TYPES: Final = {
    "fi-0147": (
        "@available says nothing",
        "give added, deprecated, removed or replaced",
    ),
    "fi-0148": (
        "a note without its reason",
        "a note goes with deprecated, removed or replaced",
    ),
    "fi-0149": (
        "only the library says its platform",
        "remove 'platform' here",
    ),
    "fi-0150": (
        "the library must say when it was added",
        "write @available(added=1)",
    ),
    "fi-0151": (
        "library '{}' has no versions of its own",
        "put @available(added=...) before one of its 'library' lines",
    ),
    "fi-0152": (
        "'{}' is no platform's name",
        "a platform is a lower-case letter followed by lower-case letters and digits",
    ),
    "fi-0153": (
        "{} is no version",
        "versions are 1 to 2^31-1, NEXT and HEAD",
    ),
    "fi-0154": (
        "the versions are out of order",
        "they must be so: {}",
    ),
    "fi-0155": (
        "{}={} contradicts {}={} at {}",
        "a child cannot be {} {} its parent is {}",
    ),
    "fi-0156": (
        "'{}' is never optional",
        "remove 'optional', or put it into a table",
    ),
    "fi-0157": (
        "the constraint of '{}' is a protocol",
        "name the protocol of this end",
    ),
    "fi-0158": (
        "'{}' has a bound already",
        "bound it once",
    ),
    "fi-0159": (
        "a struct is never ':optional'",
        "write box<{}>",
    ),
    "fi-0160": (
        "'{}' is optional already",
        "say it once",
    ),
    "fi-0161": (
        "'{}' of size 0",
        "its size is at least 1",
    ),
    "fi-0162": (
        "'{}' takes {} parameters in '<...>', and has {}",
        "",
    ),
    "fi-0163": (
        "a second set of constraints",
        "put them together: ':<one, two>'",
    ),
    "fi-0164": (
        "'{}' takes at most {} constraints, and has {}",
        "",
    ),
    "fi-0165": (
        "this is no type",
        "",
    ),
    "fi-0166": (
        "'{}' takes no such constraint, or not in this order",
        "",
    ),
    "fi-0167": (
        "'{}' has such a constraint already",
        "say it once",
    ),
    "fi-0168": (
        "'{}' needs a protocol",
        "write for example client_end:P",
    ),
    "fi-0169": (
        "a box may be empty anyway",
        "remove 'optional'",
    ),
    "fi-0171": (
        "'{}' goes into no box",
        "write ':optional' behind it",
    ),
    "fi-0172": (
        "resource '{}' must be a uint32",
        "write ': uint32'",
    ),
    "fi-0173": (
        "resource '{}' has no property 'subtype'",
        "add one whose type is an enum",
    ),
    "fi-0175": (
        "the property 'subtype' of resource '{}' must be an enum",
        "",
    ),
    "fi-0177": (
        "the property 'rights' of resource '{}' must be a uint32, or bits of uint32",
        "",
    ),
    "fi-0178": (
        "{} imports '{}' and does not use it",
        "remove the import",
    ),
    "fi-0179": (
        "'{}' is a new type, and takes no constraints",
        "constrain the type that it is made of",
    ),
    "fi-0180": (
        "'{}' is an experiment",
        "enable it with --experimental zx_c_types",
    ),
    "fi-0181": (
        "the library's attributes cannot name constants",
        "its value might differ from version to version; use a literal",
    ),
    "fi-0184": (
        "a control character in a string",
        "write it as \\u{...}",
    ),
    "fi-0185": (
        "\\u without braces",
        "write \\u{...}",
    ),
    "fi-0186": (
        "\\u{ without its closing brace",
        "write \\u{...}",
    ),
    "fi-0187": (
        "a \\u escape without digits",
        "write at least one",
    ),
    "fi-0188": (
        "more than six digits in \\u{...}",
        "a code point has at most six",
    ),
    "fi-0189": (
        "there is no code point {}",
        "the last is 10FFFF",
    ),
    "fi-0191": (
        "method '{}' must say strict or flexible",
        "it was asked for while the default changed, and is no more",
    ),
    "fi-0192": (
        "protocol '{}' must say open, ajar or closed",
        "it was asked for while the default changed, and is no more",
    ),
    "fi-0193": (
        "'{}' goes into no box, and is never optional",
        "put it into a struct, or make it a table's member",
    ),
    "fi-0197": (
        "an overlay is strict",
        "say 'strict overlay'",
    ),
    "fi-0198": (
        "an overlay carries no handles",
        "remove 'resource'",
    ),
    "fi-0199": (
        "a member of an overlay carries no handles",
        "use a union",
    ),
    "fi-0201": (
        "{} belongs to platform '{}', of which no version was chosen",
        "choose one with --available {}:N",
    ),
    "fi-0203": (
        "removed and replaced at once",
        "'replaced' where something takes its place, else 'removed'",
    ),
    "fi-0204": (
        "nothing can replace a library",
        "say 'removed'",
    ),
    "fi-0205": (
        "{} is removed={}, and at {} something takes its place at {}",
        "say replaced={} instead of removed={}, or remove what takes its place",
    ),
    "fi-0206": (
        "{} is replaced={}, and nothing takes its place at {}",
        "say removed={} instead of replaced={}, or add what takes its place",
    ),
    "fi-0207": (
        "{} {} {} is more than 32 bits can hold",
        "make the type smaller",
    ),
    "fi-0208": (
        "'{}' is no platform of yours",
        (
            "it is where libraries without versions are; choose another name with "
            "@available(platform=...)"
        ),
    ),
    "fi-0209": (
        "an ordinal is not reserved any more",
        "leave it out, or say @available(removed=...) on its member",
    ),
    "fi-0210": (
        "'{}' are no places to be implemented at",
        "write 'platform', 'external', or 'platform,external'",
    ),
    "fi-0211": (
        "a {} cannot be renamed",
        "only members of declarations can",
    ),
    "fi-0212": (
        "renamed, but neither removed nor replaced",
        "say when it goes",
    ),
    "fi-0213": (
        "renamed to '{}', which is its name",
        "choose another name, or remove 'renamed'",
    ),
    "fi-0214": (
        "{} is removed={} and renamed '{}', and '{}' is the name of what is at {}",
        "choose another name",
    ),
    "fi-0215": (
        "{} is replaced={} and renamed '{}', and there is no '{}' that is added={}",
        "add it",
    ),
    "fi-0216": (
        "{} is removed={}, and its {} ({}) is used again at {}",
        (
            'say replaced={}, renamed="{}" instead of removed={} if that takes its place, '
            "else choose another {}"
        ),
    ),
    "fi-0217": (
        "{} is replaced={}, and its {} ({}) is not the {} ({}) of what takes its place at {}",
        "say removed={}, or use the same {}",
    ),
    "fi-0218": (
        "a modifier's availability has no '{}'",
        "it takes 'added' and 'removed'",
    ),
    "fi-0219": (
        "a two-way method without 'error' cannot become strict or flexible",
        "what it sends would change; give it an error, or make a new method",
    ),
    "fi-0221": (
        "'resource' in a protocol that is @no_resource",
        "remove the word, and what needs it",
    ),
    "fi-0222": (
        "@no_resource is an experiment",
        "enable it with --experimental no_resource_attribute",
    ),
    "fi-0223": (
        "'{}' is @no_resource, and composes '{}', which is not",
        "mark both",
    ),
}
"""Id, message and hint; `{}` is filled in where it is reported, the message first."""
