from __future__ import annotations

from typing import Annotated

import pytest

from ipcrt.bindings.codec import Codec
from ipcrt.bindings.needs import NEEDS, needs
from ipcrt.bindings.structs import Struct
from ipcrt.errors import LocalProtocolError, RemoteProtocolError
from ipcrt.objects.handle import Handle
from ipcrt.objects.rights import Rights
from ipcrt.objects.vmo import Vmo


class Loan(Struct, frozen=True):
    vmo: Annotated[Vmo, needs(Rights.READ | Rights.WRITE)] | None


def test_rights_that_no_object_has_are_not_asked_for() -> None:
    assert needs(1 << 20 | Rights.READ).extra == {NEEDS: Rights.READ}


def test_a_handle_with_the_rights_passes_and_one_without_does_not() -> None:
    codec = Codec(Loan)
    assert codec.encode(Loan(None))[0] == b"\x91\xc0"
    with Vmo.create(10) as vmo, vmo.duplicate(Rights.READ | Rights.TRANSFER) as blind:
        body, _ = codec.encode(Loan(vmo))
        with pytest.raises(LocalProtocolError, match="WRITE"):
            codec.encode(Loan(blind))
        raw = Handle(blind.take(), Rights.READ)
        with pytest.raises(RemoteProtocolError, match="WRITE"):
            codec.decode(memoryview(body), [raw])
        assert raw.closed
