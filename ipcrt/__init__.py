"""Typed local IPC over channels that carry bytes and file descriptors.

Rooms, from the bottom: errors; objects and wire; port; bindings; locator; cli. A room imports
only rooms below it; the contracts in pyproject.toml convict one that does not.
"""
