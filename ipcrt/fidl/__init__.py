"""FIDL: from the text of a contract to a checked tree, its JSON IR, and typed Python.

Knows: the language: tokens, grammar, names, types, versions, diagnostics.
Must not know: how anything runs: no event loop, socket or descriptor, no bindings.
Convicted by: tests/fidl, one library for each diagnostic with its expected id and line.
"""
