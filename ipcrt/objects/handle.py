"""Handle: one descriptor, one owner.

1. A handle owns its descriptor from construction until `close`, `take` or a move.
2. The number is forgotten before the kernel is told, so that a second close can
   never hit a stranger's descriptor.
3. Whoever watches the descriptor (a port) is told while it is still open, and no longer ours.
4. A handle that is forgotten closes itself and says so with a ResourceWarning.
5. What a peer sent is looked at before it becomes an object of a kind (`from_handle`, `become`).
Source: zircon handles; close(2); epoll(7), "Will closing a file descriptor ...".
"""

from __future__ import annotations

import errno
import os
import warnings
from collections.abc import Callable, Iterable
from typing import ClassVar, Final, Protocol, Self, TypeAlias

from ipcrt._speedups.chosen import choose
from ipcrt.errors import BadHandle, InvalidArgs
from ipcrt.objects import rights as _rights
from ipcrt.objects._fd import close_fd, duplicate_fd
from ipcrt.objects.kind import ObjType, check_kind, koid_of, related_koid_of
from ipcrt.objects.rights import Rights

_CLOSED: Final = -1
_TRANSFER: Final = int(Rights.TRANSFER)


Own: TypeAlias = "Callable[[list[int]], list[Handle]]"


class Watch(Protocol):
    """What a port hangs on a handle that it watches; its methods raise nothing."""

    def closing(self) -> None:
        """The descriptor is about to leave the handle: stop watching it, now."""

    def drained(self) -> None:
        """A read found the queue shorter than before: look at PEER_CLOSED again."""


class Handle:
    """Own one descriptor; close it exactly once.

    A plain `Handle` stands for a descriptor of any kind, such as an open file.
    Not safe to use from two threads at once.
    """

    TYPE: ClassVar[ObjType] = ObjType.NONE
    DEFAULT_RIGHTS: ClassVar[Rights] = _rights.ALL
    _default_bits: ClassVar[int] = int(_rights.ALL)
    _forgets_more: ClassVar[bool] = False
    """True where somebody else knows the number, too: `_forget` is the class's own."""

    __slots__ = ("__weakref__", "_bits", "_fd", "_held_back", "_watch", "asked")

    def __init_subclass__(cls) -> None:
        """Keep the rights as a plain number, too: IntFlag's own & costs thirty times as much."""
        super().__init_subclass__()
        cls._default_bits = int(cls.DEFAULT_RIGHTS)
        cls._forgets_more = (
            cls._forget is not Handle._forget
            or cls.take is not Handle.take
            or cls.close is not Handle.close
        )

    def __init__(self, fd: int, rights: int | None = None) -> None:
        """Take ownership of `fd`, which must be open and close-on-exec.

        The kind of object is not checked: use `from_handle` for what a peer sent.
        """
        if fd < 0:
            raise InvalidArgs(f"descriptor {fd} is negative")
        self._fd = fd
        self._bits = self._default_bits if rights is None else int(rights)
        self._watch: Watch | None = None
        self._held_back = False
        self.asked: Rights | None = None
        """Rights that a contract leaves it, while a message with it is made or read; else None."""

    @classmethod
    def from_handle(cls, handle: Handle) -> Self:
        """Move `handle` into an object of this class, after looking at what it really is.

        On error the handle stays with the caller, open.
        Raises: WrongType: the descriptor is another kind of object. BadHandle: closed.
        """
        fd = handle._fd
        if fd < 0:
            handle.fileno()  # which says so
        held = cls._inspect(fd) & handle._bits
        return cls(handle.take(), held)

    @classmethod
    def is_bare(cls) -> bool:
        """True where an object of this class is no more than a handle: see `become`."""
        return cls is Handle or (
            cls.__init__ is Handle.__init__
            and cls.from_handle.__func__ is Handle.from_handle.__func__  # type: ignore[attr-defined]
            and cls._inspect.__func__ is Handle._inspect.__func__  # type: ignore[attr-defined]
            and cls.__basicsize__ == Handle.__basicsize__
            and not cls.__dictoffset__
        )

    def become(self, cls: type[Handle]) -> None:
        """Do as `from_handle` of `cls`, which is bare, but in place.

        Raises: WrongType, BadHandle; then nothing has changed.
        """
        fd = self._fd
        if fd < 0:
            self.fileno()  # which says so
        held = cls._inspect(fd) & self._bits
        self.__class__ = cls  # pyright: ignore[reportAttributeAccessIssue]
        self._bits = held

    @classmethod
    def _inspect(cls, fd: int) -> int:
        """Refuse what is no object of this class; answer the rights that it can have.

        Raises: WrongType.
        """
        if cls.TYPE is not ObjType.NONE:
            check_kind(fd, cls.TYPE)
        return cls._default_bits

    def fileno(self) -> int:
        """Lend the descriptor's number; the handle still owns it.

        Raises: BadHandle: closed or moved.
        """
        if self._fd < 0:
            raise BadHandle(f"{type(self).__name__} is closed or was moved")
        return self._fd

    @property
    def closed(self) -> bool:
        """True once the handle owns nothing."""
        return self._fd < 0

    @property
    def rights(self) -> Rights:
        """What this handle may be used for."""
        return Rights(self._bits)

    def require(self, needed: Rights, doing: str) -> None:
        """Refuse `doing` unless this handle has the `needed` rights.

        Raises: AccessDenied.
        """
        if int.__and__(needed, ~self._bits):  # as in `__init_subclass__`
            _rights.require(self.rights, needed, doing)

    def lacks(self, needed: Rights) -> int:
        """Answer those of the `needed` rights that this handle has not; zero: it has all."""
        return int.__and__(needed, ~self._bits)  # as in `__init_subclass__`

    @property
    def koid(self) -> int:
        """The kernel's identity of the object, the same for every descriptor of it.

        Raises: NotSupported: Linux gives objects of this kind no identity (timers).
        """
        return koid_of(self.fileno())

    @property
    def related_koid(self) -> int:
        """The koid of the object's other end; zero where it has none or is not named.

        It is the word of whoever made the pair: two ends belong together only if each of them
        names the other.
        """
        return related_koid_of(self.fileno())

    def duplicate(self, rights: Rights = Rights.SAME_RIGHTS) -> Self:
        """Make a second handle to the same object, with the same or fewer rights.

        Raises: AccessDenied: no DUPLICATE right. InvalidArgs: more rights than held.
        NoResources: no descriptor is free. Source: zx_handle_duplicate.
        """
        self.require(Rights.DUPLICATE, "duplicate")
        reduced = _rights.reduce(self.rights, rights)
        return type(self)(self._duplicate_fd(reduced), reduced)

    def replace(self, rights: Rights = Rights.SAME_RIGHTS) -> Self:
        """Move the object into a new handle with the same or fewer rights.

        This handle is closed whether or not it works. Source: zx_handle_replace.
        """
        with self:
            reduced = _rights.reduce(self.rights, rights)
            if reduced == self._bits:
                return type(self)(self.take(), reduced)
            return type(self)(self._duplicate_fd(reduced), reduced)

    def restrict(self, rights: Rights) -> None:
        """Give up all rights but `rights`, in place; what is not held is not gained.

        On error nothing has changed. Raises: BadHandle; and, of an object whose rights the kernel
        enforces, NoResources.
        """
        if self._fd < 0:
            self.fileno()  # which says so
        self._bits &= int(rights)

    def _duplicate_fd(self, rights: Rights) -> int:
        """Give a new descriptor that enforces as much of `rights` as Linux can."""
        del rights  # nothing to enforce here; the objects that can, override
        return duplicate_fd(self.fileno())

    def check_transferable(self) -> None:
        """Refuse a handle that may not be moved into a message.

        Raises: BadHandle. AccessDenied: no TRANSFER right.
        """
        if self._fd < 0 or not self._bits & _TRANSFER:
            self.fileno()
            self.require(Rights.TRANSFER, "sending a handle")

    def take(self) -> int:
        """Give the descriptor away; the caller owns it and the handle is closed.

        Raises: BadHandle: closed or moved already.
        """
        fd = self._fd
        if fd < 0:
            self.fileno()  # which says so
        if self._watch is None and not self._forgets_more:
            self._fd = _CLOSED
        else:
            self._forget()
        return fd

    def take_to_send(self) -> int:
        """Do as `take` does, where this handle may be moved into a message.

        Raises: as `check_transferable`; then it was not moved.
        """
        fd = self._fd
        if fd < 0 or not self._bits & _TRANSFER:
            self.check_transferable()
        if self._watch is not None or self._forgets_more:
            return self.take()
        self._fd = _CLOSED
        return fd

    def close(self) -> None:
        """Close the descriptor; a second close does nothing."""
        fd = self._fd
        if fd >= 0:
            self._forget()
            close_fd(fd)

    def _note_read(self) -> None:
        """Tell a port that waits for the queue to drain that a read took something out."""
        if self._watch is not None:
            self._watch.drained()

    def _forget(self) -> None:
        """Stop everything that knows the number, then drop it (rules 2 and 3)."""
        # First ours: a receiver that is told of the closing may close or use this handle again.
        watch, self._watch, self._fd = self._watch, None, _CLOSED
        if watch is not None:
            watch.closing()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        try:
            forgotten = self._fd >= 0
        except AttributeError:  # it was never made
            return
        if forgotten:
            try:
                warnings.warn(f"unclosed {self!r}", ResourceWarning, stacklevel=2, source=self)
            finally:  # the warning may be an error
                self.close()

    def __repr__(self) -> str:
        where = f"fd={self._fd}" if self._fd >= 0 else "closed"
        return f"<{type(self).__name__} {where}>"


def close_all(handles: Iterable[Handle]) -> None:
    """Close every handle, whatever state each is in."""
    for handle in handles:
        handle.close()


def _own(fds: list[int]) -> list[Handle]:
    """Make handles of received descriptors, which leave `fds` one by one.

    A signal's handler may raise when a call of C code has returned, or one of Python code has
    begun. Unpacking is neither; so at each moment a descriptor has one owner.
    """
    handles: list[Handle] = []
    try:
        while fds:
            [handle] = map(Handle, fds[-1:])
            del fds[-1]
            handles += (handle,)
    except BaseException:
        close_all(handles)
        raise
    return handles[::-1] if handles[1:] else handles


def _choose_own(pure: Own, kind: type[Handle]) -> Own:
    del kind
    return pure


own: Final = choose("own", _choose_own)(_own, Handle)
"""As `_own`; in C all at once."""


def _check_once(handles: list[Handle]) -> None:
    seen: set[int] = set()
    for handle in handles:
        if handle.fileno() in seen:
            raise InvalidArgs(f"{handle!r} stands twice in one message")
        seen.add(handle.fileno())


class Moved:
    """Handles on their way out: owned by the message that carries them.

    Two passes, as Starina's kernel does it: all are checked, then all are moved,
    so an error names a culprit and leaves every handle where it was.
    """

    __slots__ = ("fds",)

    def __init__(self, handles: Iterable[Handle]) -> None:
        """Move `handles` here.

        Raises: BadHandle, AccessDenied (no TRANSFER right), InvalidArgs (one twice);
        then none was moved.
        """
        self.fds: list[int] = []
        """The numbers, in order; still owned here."""
        several = [*handles]
        if len(several) == 1:
            [handle] = several
            self.__class__ = _Owning  # pyright: ignore[reportAttributeAccessIssue]
            self.fds.append(handle.take_to_send())
            return
        for handle in several:
            handle.check_transferable()
        _check_once(several)
        self.__class__ = _Owning  # noqa: PLE0237  # pyright: ignore[reportAttributeAccessIssue]
        for handle in several:
            self.fds.append(handle.take())

    def add(self, handle: Handle) -> None:
        """Move one more handle here, behind the others."""
        self.__class__ = _Owning  # pyright: ignore[reportAttributeAccessIssue]
        self.fds.append(handle.take())

    def close(self) -> None:
        """Close every descriptor that is still here."""
        fds = self.fds
        while fds:
            try:  # as in `_own`; and as `close_fd`
                [_] = map(os.close, fds[-1:])
            except OSError as error:
                del fds[-1]
                if error.errno == errno.EBADF:
                    raise
            else:
                del fds[-1]
        self.__class__ = Moved  # pyright: ignore[reportAttributeAccessIssue]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Owning(Moved):
    """Handles that are still there.

    Those that have left have no finalizer: what a signal's handler raises in one gets lost.
    """

    __slots__ = ()

    def __del__(self) -> None:
        if getattr(self, "fds", ()):
            try:
                warnings.warn(f"unsent handles {self.fds}", ResourceWarning, stacklevel=2)
            finally:
                self.close()
