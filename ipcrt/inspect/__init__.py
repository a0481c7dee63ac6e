"""Inspect: a process's account of itself, in memory that others read while it hangs or is dead.

Knows: nodes, properties, their bytes in a VMO (docs/inspect-format.md), a port to refresh them by.
Must not know: the locator that keeps the VMO, what is measured, how it is shown; it is no protocol.
Convicted by: tests/inspect (readers against stopped, killed and hostile writers), lint-imports.
"""
