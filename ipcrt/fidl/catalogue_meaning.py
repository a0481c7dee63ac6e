"""Diagnostics of values, layouts, protocols and attributes: their wording and advice."""

from __future__ import annotations

from typing import Final

MEANING: Final = {
    "fi-0059": (
        "a constant cannot be of type {}",
        "constants are of primitive types, strings, bits and enums",
    ),
    "fi-0060": (
        "the value of this constant cannot be found",
        "see the other report",
    ),
    "fi-0061": (
        "'|' joins numbers and bits only",
        "write the value as one literal",
    ),
    "fi-0062": (
        "'{}' would be a new type made of '{}'",
        "use 'alias', or enable new types with --experimental allow_new_types",
    ),
    "fi-0063": (
        "'{}' is a type, and a value should be here",
        "name a constant, or a member of bits or an enum",
    ),
    "fi-0064": (
        "a value of {} cannot be one of {}",
        "name a member of the type itself",
    ),
    "fi-0065": (
        "{} ({}) is no value of {}",
        "change the value or the type",
    ),
    "fi-0066": (
        "{} is out of range for {}",
        "use a wider type, or another value",
    ),
    "fi-0067": (
        "a member of bits is one bit",
        "use a power of two",
    ),
    "fi-0068": (
        "{} stands for unknown members of this flexible enum",
        "use another value, make the enum strict, or mark one member @unknown",
    ),
    "fi-0069": (
        "bits are unsigned integers, not {}",
        "use uint8, uint16, uint32 or uint64",
    ),
    "fi-0070": (
        "enums are integers, not {}",
        "use an integer type",
    ),
    "fi-0071": (
        "a strict enum has no unknown members",
        "remove @unknown, or make the enum flexible",
    ),
    "fi-0072": (
        "another member is @unknown already",
        "one value stands for all unknown ones",
    ),
    "fi-0073": (
        "this is no protocol",
        "only protocols can be composed",
    ),
    "fi-0074": (
        "{} cannot be what a method sends",
        "send a struct, table or union",
    ),
    "fi-0075": (
        "'{}' cannot be what a method sends",
        "send a struct, table or union",
    ),
    "fi-0077": (
        "a struct without members",
        "write '()'",
    ),
    "fi-0080": (
        "the ordinal of this method comes to 0",
        "give it another name with @selector",
    ),
    "fi-0081": (
        "this method has the ordinal of the one at {}",
        "give one of them another name with @selector",
    ),
    "fi-0082": (
        "this is no selector",
        "write a method's name, or 'library/Protocol.Method'",
    ),
    "fi-0083": (
        "methods of this library say their selectors",
        'write @selector("fuchsia.io/Protocol.Method")',
    ),
    "fi-0084": (
        "what a method sends has no defaults",
        "remove the default",
    ),
    "fi-0088": (
        "a service's member is always there",
        "remove 'optional'",
    ),
    "fi-0091": (
        "member '{}' of type {} can have no default",
        "remove the default",
    ),
    "fi-0092": (
        "a table's ordinals end at 64",
        "put what follows into a table of its own, at 64",
    ),
    "fi-0093": (
        "the 64th member of a table is a table",
        "it leaves room for what will follow",
    ),
    "fi-0094": (
        "this ordinal is that of the member at {}",
        "number the members differently",
    ),
    "fi-0097": (
        "this ordinal is that of the member at {}",
        "number the members differently",
    ),
    "fi-0101": (
        "this is no size",
        "a size is a constant of type uint32, or MAX",
    ),
    "fi-0102": (
        "the value of this member of {} cannot be found",
        "see the other report",
    ),
    "fi-0103": (
        "the default of '{}' cannot be found",
        "see the other report",
    ),
    "fi-0104": (
        "the value of an attribute's argument cannot be found",
        "see the other report, if there is one",
    ),
    "fi-0107": (
        "{} member '{}' has the value of '{}' at {}",
        "give it a value of its own",
    ),
    "fi-0110": (
        "{} '{}' may carry handles, because of member '{}' at {}",
        "declare it '{} {}' with 'resource' before it",
    ),
    "fi-0111": (
        "'{}' takes {} bytes inline; {} are allowed",
        "put the large part into a vector, or into a box",
    ),
    "fi-0112": (
        "a service's members are client ends",
        "write client_end:P",
    ),
    "fi-0113": (
        "member '{}' is over {}, and '{}' over {}",
        "a service uses one transport",
    ),
    "fi-0114": (
        "{} protocol '{}' composes the {} protocol '{}'",
        "what is composed may not be more open: closed, then ajar, then open",
    ),
    "fi-0115": (
        "a flexible two-way method, in a protocol that is {}",
        "make the protocol open, or the method strict",
    ),
    "fi-0116": (
        "a flexible {}, in a protocol that is closed",
        "make the protocol ajar or open, or this strict",
    ),
    "fi-0117": (
        "{} cannot travel over {}, which {} uses",
        "use a transport that carries it",
    ),
    "fi-0118": (
        "an end over {} cannot travel over {}, which {} uses",
        "use a transport that carries it",
    ),
    "fi-0120": (
        "'@{}' has no meaning here",
        "the page on attributes says where each may stand",
    ),
    "fi-0121": (
        "'@{}' is no longer used",
        "remove it",
    ),
    "fi-0122": (
        "'@{}' stands here twice, first at {}",
        "keep one",
    ),
    "fi-0123": (
        "'@{}' is too like '@{}' at {}: both are '{}'",
        "keep one",
    ),
    "fi-0124": (
        "'{}' of '@{}' is a number",
        "attributes of your own take strings and booleans only",
    ),
    "fi-0125": (
        "the one argument is given with a name",
        "give the value alone",
    ),
    "fi-0126": (
        "'{}' is given without a name",
        "an attribute with several arguments takes them by name",
    ),
    "fi-0127": (
        "'@{}' needs the argument '{}'",
        "add it",
    ),
    "fi-0128": (
        "'@{}' needs its argument",
        "add it in parentheses",
    ),
    "fi-0129": (
        "'@{}' has no argument '{}'",
        "remove it",
    ),
    "fi-0130": (
        "'@{}' is given '{}' twice, first at {}",
        "keep one",
    ),
    "fi-0131": (
        "'@{}' is given '{}', too like '{}' at {}: both are '{}'",
        "give one another name",
    ),
    "fi-0132": (
        "'@{}' takes no argument",
        "remove the parentheses",
    ),
    "fi-0133": (
        "'{}' of '@{}' must be a literal",
        "this attribute is read before any name means anything",
    ),
    "fi-0135": (
        "'{}' is no name to be discovered by",
        "write 'the.library.Protocol'",
    ),
    "fi-0141": (
        "an error is an int32, a uint32, or an enum of these",
        "use one of them",
    ),
    "fi-0142": (
        "there is no transport '{}'",
        "the transports are {}",
    ),
    "fi-0145": (
        "'@{}' is nearly '@{}'",
        "did you mean that?",
    ),
    "fi-0146": (
        "the generated name is no name",
        "a name begins with a letter and ends with a letter or digit",
    ),
}
"""Id, message and hint; `{}` is filled in where it is reported, the message first."""
