"""Octets: what is to be copied into a ring or out of it, shown as plain bytes."""

from __future__ import annotations

from pickle import PickleBuffer
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from ipcrt.errors import InvalidArgs

if TYPE_CHECKING:
    import numpy as np
    from typing_extensions import Buffer

    # NumPy's stubs call an array a buffer from Python 3.12 on.
    Octets: TypeAlias = Buffer | np.ndarray[Any, Any]
    """Any contiguous buffer: bytes, a memoryview, an array."""


def octets_of(data: Octets) -> memoryview:
    """Show any contiguous buffer as bytes: an array of structures, too.

    Raises: InvalidArgs: there are gaps in it.
    """
    buffer = cast("Buffer", data)
    try:
        return memoryview(buffer).cast("B")
    except TypeError:  # no plain format, or not contiguous
        try:
            return PickleBuffer(buffer).raw()
        except BufferError as error:
            raise InvalidArgs(f"{type(data).__name__} is not contiguous: {error}") from None
