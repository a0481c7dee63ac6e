"""Python back end: JSON IR in, the text of one module out.

Knows: the IR's shape, Python's words, the names that the bindings offer to generated code.
Must not know: FIDL text, the front end's tree, the bindings themselves (it only writes text).
Convicted by: tests/fidl/gen, which type-check and run what is emitted; the import contracts.
"""
