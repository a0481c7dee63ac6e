"""Plain values: what a body decodes to without a schema. Told apart for the type checkers, too."""

from __future__ import annotations

from typing import Any, TypeGuard


def is_list(value: Any) -> TypeGuard[list[Any]]:
    """True for a decoded array."""
    return isinstance(value, list)


def is_map(value: Any) -> TypeGuard[dict[Any, Any]]:
    """True for a decoded map."""
    return isinstance(value, dict)
