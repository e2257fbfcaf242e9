"""What every `ports.Signer` keeps to; verified with a public key made from the 64 bytes alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from server.identity.atecc608 import Atecc608
from server.identity.secure_element import open_element
from server.identity.software_key import SoftwareKey
from server.ports import Signer
from server_unit_test.identity.emulated_atecc608 import EmulatedAtecc608


@pytest.fixture(params=["software", "secure element"])
def signer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Signer]:
    """Every signer there is."""
    if request.param == "software":
        yield SoftwareKey.open(tmp_path)
        return
    with EmulatedAtecc608().on_the_bus():
        element = open_element(tmp_path, Atecc608())
        assert element is not None
        yield element


def verify(public_key: bytes, signature: bytes, message: bytes) -> None:
    """Raise InvalidSignature unless `signature` (r then s) is of `message`."""
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + public_key)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    point.verify(encode_dss_signature(r, s), message, ec.ECDSA(SHA256()))


def test_serial_is_18_hexadecimal_digits(signer: Signer) -> None:
    """Nine bytes, in lower case, the same each time it is asked."""
    serial = signer.serial

    assert (18, serial) == (len(serial), bytes.fromhex(signer.serial).hex())


def test_signatures_verify(signer: Signer) -> None:
    """Each of many signatures is 64 bytes and holds; numbers with leading zeros are padded."""
    messages = [f"message {number}".encode() for number in range(600)]

    signatures = [signer.sign(message) for message in messages]

    assert {64} == {len(each) for each in signatures}
    for message, signature in zip(messages, signatures, strict=True):
        verify(signer.public_key, signature, message)


def test_a_changed_message_does_not_verify(signer: Signer) -> None:
    """A signature is of one message."""
    signature = signer.sign(b"message")

    with pytest.raises(InvalidSignature):
        verify(signer.public_key, signature, b"massage")
