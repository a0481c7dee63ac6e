"""What one message of a resource may hold; senders and receivers enforce it alike."""

from __future__ import annotations

from typing import Final

from ipcrt.wire.limits import MAX_INLINE_BODY_BYTES

MAX_URI_BYTES: Final = 4096
"""UTF-8 bytes of a URI."""

MAX_METHOD_NAME_BYTES: Final = 256
"""UTF-8 bytes of a method's name."""

MAX_METHOD_BYTES: Final = MAX_URI_BYTES + 1 + MAX_METHOD_NAME_BYTES
"""UTF-8 bytes of Invoke's `method`: a URI, `#` and a name."""

MAX_ARGS_BYTES: Final = 1 << 20
"""Bytes of what a method is given, and of what it answers."""

MAX_STREAM_BYTES: Final = MAX_INLINE_BODY_BYTES - 4
"""Bytes of one StreamData: with its body's four and its header it fills a packet."""

MAX_FRAME_BYTES: Final = 16 << 20
"""Bytes of one FramedData; past a packet it travels in a memfd."""

MAX_CALLS: Final = 4096
"""Calls of one client that are in flight, or given up and still owed a reply."""
