"""Correlation: one client's object under another client's name, by an event pair.

    def export_thing(self, thing_id: int, token: EventPair) -> None:
        self._shared.export(token, self._things.get(thing_id))

    async def import_thing(self, thing_id: int, token: EventPair) -> None:
        self._things.add(thing_id, await self._shared.claim(token))

1. The exporter makes the pair, gives one end to the server and the other to the importer, in
   whatever process, who gives it to the server. Nobody waits: a claim may come before the export.
2. Two ends match where each is what the other says its other end is. The kernel gives the koids,
   and no two sockets the same; so nobody claims what it was not handed the end of.
3. An export is claimed once. It is dropped when nobody has the other end any more; a claim is
   refused when nobody has the exporter's.
4. The tokens are owned here from the call on, whatever becomes of it.
Source: FIDL API Rubric, "Eventpair correlation"; ZX_INFO_HANDLE_BASIC, koid and related_koid.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

from ipcrt.errors import AlreadyExists, Canceled, NoResources, NotFound
from ipcrt.objects.eventpair import EventPair
from ipcrt.port.aport import AsyncPort
from ipcrt.port.packet import Packet
from ipcrt.port.signals import Signals
from ipcrt.port.waiter import Waiter

T = TypeVar("T")


class _Token:
    """One end of a pair, watched for the other's death."""

    __slots__ = ("_key", "_port", "koid", "pair", "related_koid")

    def __init__(self, pair: EventPair, port: AsyncPort, on_gone: Callable[[], None]) -> None:
        """Own `pair`, which is closed on error. Raises: BadHandle, NoResources, BadState."""
        self.pair = pair
        self._port = port
        self._key = port.new_key()

        def receive(packet: Packet) -> None:
            del packet
            on_gone()

        port.bind(self._key, receive)
        try:
            self.koid = pair.koid
            self.related_koid = pair.related_koid
            port.wait_async(pair, self._key, Signals.PEER_GONE)
        except BaseException:
            self.close()
            raise

    def matches(self, other: _Token) -> bool:
        """True where each is the other's other end (rule 2)."""
        return self.related_koid == other.koid and other.related_koid == self.koid

    def close(self) -> None:
        if not self.pair.closed and not self._port.closed:
            self._port.cancel(self.pair, self._key)
        self._port.unbind(self._key)
        self.pair.close()


class Correlation(Generic[T]):
    """A server's objects that wait to be claimed. Used on its port's thread."""

    __slots__ = ("_claims", "_exports", "_limit", "_on_drop", "_port")

    def __init__(
        self, port: AsyncPort, *, limit: int, on_drop: Callable[[T], object] | None = None
    ) -> None:
        """`limit`: exports that may wait at once. `on_drop` is told what nobody can claim now."""
        self._port = port
        self._limit: Final = limit
        self._on_drop = on_drop
        self._exports: dict[int, tuple[_Token, T]] = {}
        self._claims: dict[int, tuple[_Token, Waiter[None]]] = {}

    def export(self, token: EventPair, value: T) -> int:
        """Let whoever has the other end claim `value`; answer what to `withdraw` it by.

        Raises: NoResources: too many wait. AlreadyExists: the same end was exported before.
        """
        mine = _Token(token, self._port, lambda: self._drop(mine.koid))
        try:
            self._check(mine)
        except BaseException:
            mine.close()
            raise
        self._exports[mine.koid] = mine, value
        claim = self._claims.get(mine.related_koid)
        if claim is not None and claim[0].matches(mine):
            _wake(claim[1], None)
        return mine.koid

    def _check(self, token: _Token) -> None:
        if token.koid in self._exports:
            raise AlreadyExists(f"the event pair {token.koid} is exported already")
        if len(self._exports) >= self._limit:
            raise NoResources(f"{self._limit} exports wait to be claimed, the limit")

    async def claim(self, token: EventPair, timeout: float | None = None) -> T:
        """Answer what is exported by the other end, waiting for it.

        Raises: NotFound: nobody has the other end any more, or it was claimed. AlreadyExists: the
        same end is claimed at this moment. TimedOut. Canceled: this or the port was closed.
        """
        waiter: Waiter[None] = self._port.create_waiter()
        mine = _Token(token, self._port, lambda: _wake(waiter, _not_found(mine)))
        try:
            if self._port.strict:
                await self._port.checkpoint()
            if self._match(mine) is None:
                await self._wait(mine, waiter, timeout)
            found = self._match(mine)
            if found is None:
                raise _not_found(mine)
            return self._take(found.koid)
        finally:
            mine.close()

    async def _wait(self, token: _Token, waiter: Waiter[None], timeout: float | None) -> None:
        if token.koid in self._claims:
            raise AlreadyExists(f"the event pair {token.koid} is being claimed")
        self._claims[token.koid] = token, waiter
        try:
            await self._port.wait_result(waiter, timeout)
        finally:
            del self._claims[token.koid]

    def withdraw(self, koid: int) -> None:
        """Drop an export, where it still waits: its exporter is gone, or wants it back."""
        self._drop(koid)

    def close(self) -> None:
        """Drop all exports, and end all claims. Idempotent."""
        for _, waiter in list(self._claims.values()):
            _wake(waiter, Canceled("the exports are closed"))
        for koid in list(self._exports):
            self._drop(koid)

    def statistics(self) -> dict[str, int]:
        """Count what waits to be claimed, and the claims that wait."""
        return {"exports": len(self._exports), "claims": len(self._claims)}

    def _match(self, claim: _Token) -> _Token | None:
        export = self._exports.get(claim.related_koid)
        return export[0] if export is not None and export[0].matches(claim) else None

    def _take(self, koid: int) -> T:
        token, value = self._exports.pop(koid)
        token.close()
        return value

    def _drop(self, koid: int) -> None:
        if koid in self._exports:
            value = self._take(koid)
            if self._on_drop is not None:
                self._on_drop(value)


def _not_found(token: _Token) -> NotFound:
    return NotFound(f"nobody exports the other end of event pair {token.koid}")


def _wake(waiter: Waiter[None], error: Exception | None) -> None:
    if waiter.done():
        return
    if error is None:
        waiter.set_result(None)
    else:
        waiter.set_exception(error)
