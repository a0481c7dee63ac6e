"""Checksums of memory that another process filled."""

from __future__ import annotations

import hashlib
import os

import anyio.to_thread

from ipcrt.objects.vmo import Vmo
from ipcrt_services.demo.bindings import ChecksumServer, ChecksumSha256Response
from ipcrt_services.demo.material import blocks


class Checksummer(ChecksumServer):
    """One client of a checksummer."""

    async def sha256(self, vmo: Vmo) -> ChecksumSha256Response:
        """Sum in another thread: the loop goes on meanwhile."""
        with vmo:
            digest = await anyio.to_thread.run_sync(digest_of_vmo, vmo)
        return ChecksumSha256Response(digest, os.getpid())


def digest_of_vmo(vmo: Vmo) -> bytes:
    """Answer the SHA-256 of a VMO's whole content, mapped."""
    if not vmo.content_size:
        return hashlib.sha256().digest()
    with vmo.map() as mapping:
        return hashlib.sha256(mapping).digest()


def filled_vmo(size_bytes: int) -> tuple[Vmo, bytes]:
    """Make a VMO with content that nobody else has, and answer it with its SHA-256.

    The caller owns it. It is sealed: whoever has it may map it, and it changes no more.
    """
    vmo = Vmo.create(size_bytes, "demo")
    try:
        digest = hashlib.sha256()
        offset = 0
        for block in blocks(size_bytes):
            vmo.write(offset, block)
            digest.update(block)
            offset += len(block)
        vmo.seal()
        return vmo, digest.digest()
    except BaseException:
        vmo.close()
        raise
