"""What the images of one user's clients may take, all together.

1. What clients have is counted when it is asked for; what is being made for them is claimed before,
   and given back when they have it, or when it is gone. So clients that ask and leave at once get
   no more than others.
2. A claim is given back from any thread, once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from ipcrt.errors import NoResources


class Budget:
    """One user's."""

    def __init__(self, uid: int, limit: int, held: Callable[[], int]) -> None:
        """`held` answers the bytes that the user's clients have."""
        self.uid: Final = uid
        self._limit = limit
        self._held = held
        self._claimed = 0
        self._lock = threading.Lock()

    @property
    def claimed(self) -> int:
        """Bytes that are being made."""
        return self._claimed

    def check(self, size: int) -> None:
        """Refuse what would be too much. Raises: NoResources."""
        total = self._held() + self._claimed + size
        if total > self._limit:
            raise NoResources(f"images of {total} bytes exceed {self._limit} of uid {self.uid}")

    def claim(self, size: int) -> Callable[[], None]:
        """Claim so much; answer what gives it back (rule 2). Raises: NoResources."""
        self.check(size)
        left = [size]

        def give_back() -> None:
            with self._lock:
                self._claimed -= left[0]
                left[0] = 0

        with self._lock:
            self._claimed += size
        return give_back
