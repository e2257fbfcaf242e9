"""The handshake against the public vectors, and against everything that is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bluetooth.errors import HandshakeFailed, RecordForged, SessionSpent
from bluetooth.noise import (
    KEY_BYTES,
    MAX_MESSAGE_BYTES,
    NONCE_LIMIT,
    PROTOCOL_NAME,
    TAG_BYTES,
    Cipher,
    Handshake,
    Role,
    Transport,
)

FIXTURE = Path(__file__).parent / "fixtures" / "noise_nnpsk0_cacophony.json"
KEY = bytes(range(KEY_BYTES))
OTHER_KEY = bytes(reversed(KEY))


def vector() -> dict[str, Any]:
    """The public vector."""
    loaded: dict[str, Any] = json.loads(FIXTURE.read_text(encoding="utf-8"))
    return loaded


def side(role: Role, prefix: str) -> Handshake:
    """One side of the vector, with its fixed keys."""
    given = vector()
    ephemeral = X25519PrivateKey.from_private_bytes(bytes.fromhex(given[f"{prefix}_ephemeral"]))
    return Handshake(
        role,
        bytes.fromhex(given[f"{prefix}_psks"][0]),
        bytes.fromhex(given[f"{prefix}_prologue"]),
        ephemeral,
    )


def pair(key: bytes = KEY, prologue: bytes = b"p") -> tuple[Handshake, Handshake]:
    """A phone with KEY and a box with `key` and `prologue`."""
    return Handshake(Role.INITIATOR, KEY, b"p"), Handshake(Role.RESPONDER, key, prologue)


def joined() -> tuple[Transport, Transport]:
    """Both ends of a session."""
    phone, box = pair()
    box.read(phone.write())
    phone.read(box.write())
    return phone.finish(), box.finish()


def test_every_byte_of_the_public_vector_is_met() -> None:
    """Both sides write and read each message of the vector, and agree on its handshake hash."""
    given = vector()
    phone, box = side(Role.INITIATOR, "init"), side(Role.RESPONDER, "resp")
    plain = [bytes.fromhex(each["payload"]) for each in given["messages"]]
    sealed = [bytes.fromhex(each["ciphertext"]) for each in given["messages"]]

    assert PROTOCOL_NAME.decode() == given["protocol_name"]
    assert sealed[0] == phone.write(plain[0])
    assert plain[0] == box.read(sealed[0])
    assert sealed[1] == box.write(plain[1])
    assert plain[1] == phone.read(sealed[1])
    ends = phone.finish(), box.finish()
    assert [bytes.fromhex(given["handshake_hash"])] * 2 == [end.handshake_hash for end in ends]
    for number in range(2, 6):
        sender, receiver = ends if number % 2 == 0 else ends[::-1]
        assert sealed[number] == sender.sending.seal(plain[number])
        assert plain[number] == receiver.receiving.unseal(sealed[number])


def test_another_secret_is_refused_at_the_first_message() -> None:
    """A phone that does not hold the label's secret learns nothing from the box."""
    phone, box = pair(key=OTHER_KEY)

    with pytest.raises(HandshakeFailed, match="does not hold the secret"):
        box.read(phone.write())


def test_another_prologue_is_refused() -> None:
    """Whoever changes what was said in the clear before is found out."""
    phone, box = pair(prologue=b"q")

    with pytest.raises(HandshakeFailed):
        box.read(phone.write())


def test_an_answer_from_another_session_is_refused() -> None:
    """The box's answer to one phone is of no use to another."""
    phone, box = pair()
    other_phone, _ = pair()
    other_phone.write()
    box.read(phone.write())

    with pytest.raises(HandshakeFailed):
        other_phone.read(box.write())


@pytest.mark.parametrize("length", [0, 1, KEY_BYTES, KEY_BYTES + TAG_BYTES - 1])
def test_a_short_handshake_message_is_refused(length: int) -> None:
    """What cannot hold a key and a tag is not looked at."""
    phone, box = pair()

    with pytest.raises(HandshakeFailed, match=f"{length} bytes"):
        box.read(phone.write()[:length])


def test_an_oversized_handshake_message_is_refused() -> None:
    """Noise knows no longer message than MAX_MESSAGE_BYTES."""
    _, box = pair()

    with pytest.raises(HandshakeFailed, match="bytes"):
        box.read(bytes(MAX_MESSAGE_BYTES + 1))


def test_a_key_that_yields_zeros_is_refused() -> None:
    """A point of low order would make the shared secret known to everybody."""
    phone, box = pair()
    phone.write()
    box.read(Handshake(Role.INITIATOR, KEY, b"p").write())
    answer = bytes(KEY_BYTES) + box.write()[KEY_BYTES:]

    with pytest.raises(HandshakeFailed, match="usable"):
        phone.read(answer)


def test_messages_out_of_turn_are_refused() -> None:
    """Each side has one message to write and one to read, in this order."""
    phone, box = pair()

    with pytest.raises(HandshakeFailed, match="order"):
        box.write()
    with pytest.raises(HandshakeFailed, match="not complete"):
        phone.finish()
    first = phone.write()
    with pytest.raises(HandshakeFailed, match="order"):
        phone.write()
    box = Handshake(Role.RESPONDER, KEY, b"p")
    box.read(first)
    with pytest.raises(HandshakeFailed, match="order"):
        box.read(first)


def test_a_key_of_another_length_is_a_mistake_of_ours() -> None:
    """A pre-shared key always has KEY_BYTES."""
    with pytest.raises(ValueError, match="32 bytes"):
        Handshake(Role.INITIATOR, b"short", b"")


@pytest.mark.parametrize("bit", range(8))
def test_an_altered_record_is_refused(bit: int) -> None:
    """Not one bit can be changed on the way."""
    phone, box = joined()
    sealed = bytearray(phone.sending.seal(b"hello"))
    sealed[3] ^= 1 << bit

    with pytest.raises(RecordForged):
        box.receiving.unseal(bytes(sealed))


def test_a_repeated_record_is_refused() -> None:
    """A record counts once."""
    phone, box = joined()
    sealed = phone.sending.seal(b"open")
    box.receiving.unseal(sealed)

    with pytest.raises(RecordForged, match="repeated"):
        box.receiving.unseal(sealed)


def test_records_in_another_order_are_refused() -> None:
    """The second record cannot come first; the first is still good after that."""
    phone, box = joined()
    first, second = phone.sending.seal(b"1"), phone.sending.seal(b"2")

    with pytest.raises(RecordForged):
        box.receiving.unseal(second)
    assert b"1" == box.receiving.unseal(first)


def test_a_record_does_not_come_back_as_ours() -> None:
    """The two directions have keys of their own."""
    phone, _ = joined()
    sealed = phone.sending.seal(b"1")

    with pytest.raises(RecordForged):
        phone.receiving.unseal(sealed)


def test_a_spent_key_seals_and_opens_no_more() -> None:
    """No nonce is ever used twice: at the limit the session ends."""
    sealing, opening = Cipher(KEY, limit=1), Cipher(KEY, limit=1)
    sealed = sealing.seal(b"last")

    assert b"last" == opening.unseal(sealed)
    with pytest.raises(SessionSpent):
        sealing.seal(b"one more")
    with pytest.raises(SessionSpent):
        opening.unseal(sealed)
    assert 2**64 - 1 == NONCE_LIMIT
