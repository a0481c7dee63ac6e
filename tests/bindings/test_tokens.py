"""Tokens: good for one client, one server and some time, and not changed by a single bit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcrt.bindings.tokens import (
    KEY_BYTES,
    TOKEN_OVERHEAD_BYTES,
    TokenFault,
    TokenRefused,
    Tokens,
)
from ipcrt.errors import InvalidArgs, Status

KEY = bytes(range(KEY_BYTES))


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def tokens(*, key: bytes | None = KEY, clock: Clock | None = None, lifetime: float = 60) -> Tokens:
    return Tokens(lifetime=lifetime, max_bytes=128, key=key, clock=clock or Clock())


def fault(made: Tokens, client: bytes, token: bytes) -> TokenFault:
    with pytest.raises(TokenRefused) as caught:
        made.open(client, token)
    assert caught.value.status is Status.ACCESS_DENIED
    return caught.value.fault


@given(st.binary(max_size=40), st.binary(max_size=128 - TOKEN_OVERHEAD_BYTES))
def test_it_opens_to_what_was_sealed(client: bytes, state: bytes) -> None:
    token = tokens().issue(client, state)
    assert len(token) == len(state) + TOKEN_OVERHEAD_BYTES
    assert tokens().open(client, token) == state


def test_every_bit_counts() -> None:
    made = tokens()
    token = made.issue(b"client", b"state")
    for bit in range(len(token) * 8):
        bent = bytearray(token)
        bent[bit // 8] ^= 1 << bit % 8
        assert fault(made, b"client", bytes(bent)) is TokenFault.FORGED


def test_every_byte_counts() -> None:
    made = tokens()
    token = made.issue(b"client", b"state")
    for length in range(len(token)):
        expected = TokenFault.FORGED if length >= TOKEN_OVERHEAD_BYTES else TokenFault.MALFORMED
        assert fault(made, b"client", token[:length]) is expected
    assert fault(made, b"client", token + b"\0") is TokenFault.FORGED
    assert fault(made, b"client", token + bytes(128)) is TokenFault.MALFORMED


@pytest.mark.parametrize("other", [b"", b"clien", b"client2", b"CLIENT"])
def test_another_clients_token_is_as_good_as_forged(other: bytes) -> None:
    made = tokens()
    assert fault(made, other, made.issue(b"client", b"state")) is TokenFault.FORGED


def test_a_clients_name_does_not_run_into_the_rest() -> None:
    """What is sealed for one is not the same bytes sealed for a client with a longer name."""
    made = tokens()
    token = made.issue(b"a", b"state")
    mac, sealed = token[:32], token[32:]
    assert fault(made, b"a" + sealed[:1], mac + sealed[1:]) is TokenFault.FORGED


def test_another_servers_token_is_forged() -> None:
    token = tokens().issue(b"client", b"state")
    assert fault(tokens(key=bytes(KEY_BYTES)), b"client", token) is TokenFault.FORGED
    assert fault(tokens(key=None), b"client", token) is TokenFault.FORGED


def test_a_key_of_its_own_is_random() -> None:
    clock = Clock()
    first, second = tokens(key=None, clock=clock), tokens(key=None, clock=clock)
    token = first.issue(b"client", b"state")
    assert first.open(b"client", token) == b"state"
    assert token != second.issue(b"client", b"state")


def test_it_expires() -> None:
    clock = Clock()
    made = tokens(clock=clock, lifetime=1.5)
    token = made.issue(b"client", b"state")
    clock.now += 1.499
    assert made.open(b"client", token) == b"state"
    clock.now += 0.002
    assert fault(made, b"client", token) is TokenFault.EXPIRED
    assert fault(made, b"another", token) is TokenFault.FORGED  # and nothing is told of it


def test_a_state_that_is_too_long_is_a_mistake_of_ours() -> None:
    made = tokens()
    assert len(made.issue(b"client", bytes(128 - TOKEN_OVERHEAD_BYTES))) == 128
    with pytest.raises(InvalidArgs, match="token of 129 bytes exceeds 128"):
        made.issue(b"client", bytes(129 - TOKEN_OVERHEAD_BYTES))


@pytest.mark.parametrize("key", [b"", b"x" * (KEY_BYTES - 1)])
def test_a_short_key_is_refused(key: bytes) -> None:
    with pytest.raises(InvalidArgs, match=f"key of {len(key)} bytes"):
        tokens(key=key)
