"""Octets: what is to be copied into a ring or out of it, shown as plain bytes."""

from __future__ import annotations

from pickle import PickleBuffer
from typing import TYPE_CHECKING

from ipcrt.errors import InvalidArgs

if TYPE_CHECKING:
    from typing_extensions import Buffer


def octets_of(data: Buffer) -> memoryview:
    """Show any contiguous buffer as bytes: an array of structures, too.

    Raises: InvalidArgs: there are gaps in it.
    """
    view = memoryview(data)
    try:
        return view.cast("B")
    except TypeError:  # no plain format, or not contiguous
        try:
            return PickleBuffer(data).raw()
        except BufferError as error:
            raise InvalidArgs(f"{type(data).__name__} is not contiguous: {error}") from None
