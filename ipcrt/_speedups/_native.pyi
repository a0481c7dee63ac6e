# The C extension; what each twin promises stands with its pure twin.

from typing import Final, TypeVar

_T = TypeVar("_T")

REVISION: Final[int]
MAX_PACKET_BYTES: Final[int]
MAX_FDS: Final[int]

# Raises: LookupError: nothing is called `name` in C.
def twin(name: str, pure: _T, /) -> _T: ...
