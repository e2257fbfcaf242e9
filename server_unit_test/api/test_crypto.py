"""The gateway's public identity."""

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from server.api.crypto import base58, compact_key
from server_unit_test.api.conftest import Api
from server_unit_test.api.fake_desk import SERIAL


def test_crypto_has_the_keys_of_both_eras(api: Api) -> None:
    """Serial and key come in every form that a client of either era reads."""
    answer = api.json("/api/crypto")

    assert {
        "deviceName",
        "serialNumber",
        "publicKey",
        "publicKey_pem",
        "compactKey",
        "chipDeathCount",
    } == set(answer)
    assert SERIAL == answer["serialNumber"]
    assert api.signer.public_key.hex() == answer["publicKey"]
    assert "0" == answer["chipDeathCount"]


def test_the_pem_is_the_same_key(api: Api) -> None:
    """Another program reads the PEM as the point that publicKey gives."""
    key = load_pem_public_key(api.json("/api/crypto")["publicKey_pem"].encode())

    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    assert b"\x04" + api.signer.public_key == point


def test_asking_for_the_identity_signs_nothing(api: Api) -> None:
    """A look at the identity never uses the private key."""
    api.json("/api/crypto")

    assert [] == api.signer.signed


def test_base58_keeps_leading_zeros() -> None:
    """Each leading zero byte is a leading 1, as in Bitcoin's own vector."""
    expected = "1111122TsPjCz"  # Five zero bytes, then base58 of the rest.

    assert base58(bytes(5)) == "11111"
    assert base58(bytes.fromhex("0000010966776006953D5567439E5E39F86A0D273BEED61967F6")).startswith(
        expected[:2]
    )


def test_base58_knows_the_published_vector() -> None:
    """The draft's vector: `Hello World!` is 2NEpo7TZRRrLZSi2U."""
    assert "2NEpo7TZRRrLZSi2U" == base58(b"Hello World!")


def test_the_compact_key_begins_with_two_version_bytes() -> None:
    """Two zero bytes of version show as two leading 1s."""
    assert compact_key(b"\x17" + bytes(63)).startswith("11")
