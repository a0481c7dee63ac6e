"""dma-bufs: an image's memory as graphics drivers import it, where this machine can make them.

/dev/udmabuf wraps a memfd that is sealed against shrinking; no byte is copied. It is for root and
the group `kvm`, mostly. Without it images are memfds, which is all that this library itself needs.
Source: linux/udmabuf.h, linux/dma-buf.h.
"""

from __future__ import annotations

import fcntl
import os
import struct
from typing import Final

from ipcrt.errors import NotSupported, from_oserror
from ipcrt.objects.handle import Handle
from ipcrt.objects.vmo import Vmo

DEVICE: Final = "/dev/udmabuf"

_UDMABUF_CREATE: Final = 0x40187542
"""_IOW('u', 0x42, struct udmabuf_create)."""
_CREATE: Final = struct.Struct("=IIQQ")
"""struct udmabuf_create: memfd, flags, offset, size."""
_CLOEXEC: Final = 1
_DMA_BUF_IOCTL_SYNC: Final = 0x40086200
"""_IOW('b', 0, struct dma_buf_sync)."""
_SYNC: Final = struct.Struct("=Q")
_READ: Final = 1
_WRITE: Final = 2
_END: Final = 4


def export_dmabuf(vmo: Vmo) -> Handle:
    """Make a dma-buf of all of an image's memory; the caller owns it, and keeps `vmo`.

    Raises: NotSupported: this machine has no udmabuf. AccessDenied: it is not for us. InvalidArgs:
    not whole pages, or sealed against writing. NoResources.
    """
    try:
        device = os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        raise NotSupported(f"this machine has no {DEVICE}; send the VMO instead") from None
    except OSError as error:
        raise from_oserror(error, f"open {DEVICE}") from error
    try:
        # A bytearray: with bytes, ioctl would answer those, and the new descriptor be lost.
        request = bytearray(_CREATE.pack(vmo.fileno(), _CLOEXEC, 0, vmo.content_size))
        return Handle(fcntl.ioctl(device, _UDMABUF_CREATE, request))
    except OSError as error:
        raise from_oserror(error, "make a dma-buf") from error
    finally:
        os.close(device)


def begin_access(dmabuf: Handle, *, write: bool) -> None:
    """Make the processor see what devices wrote, before it looks. Raises: IoError: no dma-buf."""
    _sync(dmabuf, _READ | (_WRITE if write else 0))


def end_access(dmabuf: Handle, *, write: bool) -> None:
    """Make devices see what the processor wrote. Raises: IoError: no dma-buf."""
    _sync(dmabuf, _READ | (_WRITE if write else 0) | _END)


def _sync(dmabuf: Handle, flags: int) -> None:
    try:
        fcntl.ioctl(dmabuf.fileno(), _DMA_BUF_IOCTL_SYNC, _SYNC.pack(flags))
    except OSError as error:
        raise from_oserror(error, "synchronize a dma-buf") from error
