"""The page for app writers is enough: its example can be followed with nothing else at hand.

What stands here is written from docs/bluetooth.md and the Noise specification alone, on purpose
with none of our own modules: a second witness of the format.
"""

import hashlib
import hmac
import re
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

PAGE = (Path(__file__).parents[1] / "docs" / "bluetooth.md").read_text(encoding="utf-8")
EXAMPLE = PAGE.split("<!-- made: session -->")[1].split("<!-- end -->")[0]


def told(name: str) -> bytes:
    """Bytes of the example by the words before them."""
    found = re.search(rf"^{re.escape(name)} +([0-9a-f ]+)$", EXAMPLE, re.MULTILINE)
    assert found is not None, name
    return bytes.fromhex(found[1])


def messages() -> list[bytes]:
    """The messages of both sides in order, their fragments put together."""
    joined: list[bytes] = []
    for way, text in re.findall(r"(write|notify) +([0-9a-f]+)$", EXAMPLE, re.MULTILINE):
        fragment = bytes.fromhex(text)
        assert len(fragment) <= 100, way
        if fragment[0] & 0x80:
            joined.append(b"")
        joined[-1] += fragment[1:]
    return joined


def hkdf(chaining_key: bytes, material: bytes, outputs: int) -> list[bytes]:
    """As the Noise specification has it."""
    secret = hmac.new(chaining_key, material, hashlib.sha256).digest()
    blocks = [b""]
    for number in range(outputs):
        blocks.append(hmac.new(secret, blocks[-1] + bytes([number + 1]), hashlib.sha256).digest())
    return blocks[1:]


def unseal(key: bytes, number: int, sealed: bytes, associated: bytes = b"") -> bytes:
    """ChaCha20-Poly1305 with Noise's nonce."""
    nonce = bytes(4) + number.to_bytes(8, "little")
    return ChaCha20Poly1305(key).decrypt(nonce, sealed, associated)


def digest(*parts: bytes) -> bytes:
    """SHA-256 of all of them."""
    return hashlib.sha256(b"".join(parts)).digest()


def ciphers() -> tuple[bytes, bytes]:
    """The two keys of the split, from the box's side of the example."""
    hello, welcome = messages()[:2]
    their_public, their_tag = hello[4:36], hello[36:]
    own = X25519PrivateKey.from_private_bytes(told("box's ephemeral, private"))
    chaining = running = digest(b"Noise_NNpsk0_25519_ChaChaPoly_SHA256")
    running = digest(running, b"egret session", hello[1:4])
    chaining, mixed, key = hkdf(chaining, told("session key (HKDF)"), 3)
    running = digest(digest(running, mixed), their_public)
    chaining, key = hkdf(chaining, their_public, 2)
    assert b"" == unseal(key, 0, their_tag, running)
    own_public = own.public_key().public_bytes_raw()
    running = digest(digest(running, their_tag), own_public)
    chaining, _ = hkdf(chaining, own_public, 2)
    shared = own.exchange(X25519PublicKey.from_public_bytes(their_public))
    chaining, key = hkdf(chaining, shared, 2)
    assert own_public == welcome[1:33]
    assert b"" == unseal(key, 0, welcome[33:], running)
    first, second = hkdf(chaining, b"", 2)
    return first, second


def test_the_printed_label_gives_the_session_key() -> None:
    """From the characters on the label to the 32 bytes that key the session."""
    printed = re.search(r"^as printed +(\S+)$", EXAMPLE, re.MULTILINE)
    assert printed is not None
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    number = check = 0
    for each in printed[1].replace("-", "")[:26]:
        number = number * 32 + alphabet.index(each)
    for each in printed[1].replace("-", "")[26:]:
        check = check * 32 + alphabet.index(each)
    secret = number.to_bytes(16, "big")
    extracted = hmac.new(bytes(32), secret, hashlib.sha256).digest()
    key = hmac.new(extracted, b"egret bluetooth session 1\x01", hashlib.sha256).digest()

    assert number % 1021 == check
    assert told("secret of the label") == secret
    assert told("session key (HKDF)") == key


def test_the_example_can_be_followed_byte_by_byte() -> None:
    """Handshake, request, answer and goodbye, as the prose says."""
    hello, welcome, asked, answered, close = messages()
    to_box, to_phone = ciphers()

    assert b"\x01\x01\x00\x64" == hello[:4]
    assert b"\x02" == welcome[:1]
    assert (b"\x03", told("request 1, in the record")) == (asked[:1], unseal(to_box, 0, asked[1:]))
    assert (b"\x03", told("answer 1, in the record")) == (
        answered[:1],
        unseal(to_phone, 0, answered[1:]),
    )
    assert b"\x05\x01" == close
    assert told("answer 1, in the record").endswith(b'{"message":"hello"}')
