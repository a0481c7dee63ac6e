"""Diagnostics of words, files and names: their wording and advice."""

from __future__ import annotations

from typing import Final

SYNTAX: Final = {
    "fi-0001": (
        "'{}' is no character that FIDL knows",
        (
            "remove it; names and strings aside, only ASCII punctuation of the language may "
            "stand here"
        ),
    ),
    "fi-0002": (
        "a string ends with its line",
        "close the string with '\"', or write \\n where it should break",
    ),
    "fi-0003": (
        "'{}' is no escape",
        'the escapes are \\\\ \\" \\n \\r \\t and \\u{...}',
    ),
    "fi-0004": (
        "'{}' is no hexadecimal digit",
        "a code point is written with 0-9, a-f and A-F",
    ),
    "fi-0006": (
        "{} begins no declaration",
        (
            "a declaration begins with alias, const, protocol, resource_definition, "
            "service, type or using"
        ),
    ),
    "fi-0007": (
        "this does not belong here",
        "",
    ),
    "fi-0008": (
        "found {}, where {} should be",
        "",
    ),
    "fi-0009": (
        "found '{}', where '{}' should be",
        "",
    ),
    "fi-0010": (
        "'{}' is no name",
        "a name begins with a letter and ends with a letter or digit; '_' may stand between",
    ),
    "fi-0011": (
        "'{}' cannot be part of a library's name",
        "each part is a lower-case letter followed by lower-case letters and digits",
    ),
    "fi-0012": (
        "this is no kind of layout",
        (
            "layouts are bits, enum, struct, table and union (and overlay, with "
            "--experimental zx_c_types)"
        ),
    ),
    "fi-0013": (
        "the type of the values must be a name",
        "write for example ': uint8'",
    ),
    "fi-0014": (
        "parentheses without an argument",
        "leave the parentheses out",
    ),
    "fi-0015": (
        "of several arguments, each needs its name",
        "write name=value",
    ),
    "fi-0016": (
        "a member without its ordinal",
        "write for example '1: name type'",
    ),
    "fi-0017": (
        "this ordinal is out of range",
        "ordinals are whole numbers of at most 32 bits",
    ),
    "fi-0018": (
        "ordinals begin at 1",
        "number the members from 1",
    ),
    "fi-0019": (
        "a strict layout without members can have no value",
        "add a member, or make it flexible",
    ),
    "fi-0020": (
        "this is neither a method, nor an event, nor 'compose'",
        "a method is a name and a parameter list; an event begins with '->'",
    ),
    "fi-0022": (
        "a name takes no attributes here",
        "put the attribute on the member or on the declaration",
    ),
    "fi-0023": (
        "this attribute stands inside the declaration",
        "put it before 'type'",
    ),
    "fi-0024": (
        "parameters take no doc comment",
        "put the comment on the method, or on a member",
    ),
    "fi-0025": (
        "an import behind a declaration",
        "move it to the head of the file",
    ),
    "fi-0026": (
        "a plain comment between two lines of a doc comment",
        "make it a doc comment too, or move it away",
    ),
    "fi-0027": (
        "an empty line in a doc comment",
        "write '///' on it",
    ),
    "fi-0028": (
        "a doc comment that documents nothing",
        "put a declaration behind it, or write '//'",
    ),
    "fi-0029": (
        "a resource needs at least one property",
        "give it a property 'subtype'",
    ),
    "fi-0030": (
        "'{}' does not go with {}",
        "remove the word",
    ),
    "fi-0031": (
        "a {} has no type of values",
        "only bits and enum have one",
    ),
    "fi-0032": (
        "'{}' stands here twice",
        "once is enough",
    ),
    "fi-0033": (
        "'{}' contradicts '{}'",
        "keep one of them",
    ),
    "fi-0034": (
        "{} '{}' has the same name as the {} at {}",
        "give one of them another name",
    ),
    "fi-0035": (
        (
            "{} '{}' is too like the {} '{}' at {}: both are '{}' in the languages that "
            "spell names their own way"
        ),
        "give one of them another name",
    ),
    "fi-0036": (
        "{} '{}' has the same name as the {} at {}; both exist {} of platform '{}'",
        "let one end before the other begins",
    ),
    "fi-0037": (
        "{} '{}' is too like the {} '{}' at {}: both are '{}', and exist {} of platform '{}'",
        "let one end before the other begins, or rename it",
    ),
    "fi-0038": (
        "'{}' is also the name of an import",
        "import the library under another name with 'as'",
    ),
    "fi-0039": (
        "'{}' is too like an import: both are '{}'",
        "import the library under another name with 'as'",
    ),
    "fi-0040": (
        "this file is of another library than the ones before it",
        "files of one --files belong to one library",
    ),
    "fi-0041": (
        "there is a library '{}' already",
        "give each library once, with all its files",
    ),
    "fi-0042": (
        "library '{}' is imported twice in this file",
        "remove one import",
    ),
    "fi-0043": (
        "library '{}' has the name of another import",
        "import one of them under another name with 'as'",
    ),
    "fi-0044": (
        "library '{}' cannot be called '{}': another import is",
        "choose another name",
    ),
    "fi-0045": (
        "an import takes neither attributes nor doc comments",
        "use a plain comment",
    ),
    "fi-0046": (
        "there is no library '{}'",
        "give its files with an earlier --files",
    ),
    "fi-0048": (
        "a table's member cannot be optional",
        "each may be absent anyway; remove 'optional'",
    ),
    "fi-0049": (
        "a union's member cannot be optional",
        "make the union optional where it is used",
    ),
    "fi-0050": (
        "a struct's member with a default",
        "defaults are deprecated; leave them out, or say @allow_deprecated_struct_defaults",
    ),
    "fi-0051": (
        "neither a library '{}', nor '{}', is imported here",
        "import it with 'using'",
    ),
    "fi-0052": (
        "there is no '{}' in {}",
        "look at its spelling, at the imports, and at the versions at which it exists",
    ),
    "fi-0053": (
        "{} has no members that can be named",
        "only members of bits and enums can",
    ),
    "fi-0054": (
        "{} does not have a member called '{}'",
        "look at its spelling",
    ),
    "fi-0055": (
        "{} is deprecated {} of platform '{}', and {} is not",
        "remove the reference, or deprecate {} as well",
    ),
    "fi-0056": (
        "{} is deprecated {} of platform '{}', and {} is not {} of platform '{}'",
        "remove the reference, or deprecate {} as well",
    ),
    "fi-0057": (
        "these contain each other without end: {}",
        "let one of them be absent: 'box', ':optional', or a vector that is optional",
    ),
    "fi-0058": (
        "'{}' is the name of a layout that has none of its own",
        "declare the layout with 'type', and use that name",
    ),
}
"""Id, message and hint; `{}` is filled in where it is reported, the message first."""
