"""Binding to a wallet: a dry run."""

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from server_unit_test.api.conftest import Api
from server_unit_test.api.fake_desk import SERIAL

WALLET = "9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin"


def test_a_dry_run_shows_what_would_be_sent(api: Api) -> None:
    """The text is serial and wallet, and the signature is the key's."""
    answer = api.call("POST", "/api/initialize", {"wallet": WALLET, "dry_run": True}).json()

    signature = bytes.fromhex(answer["signature"])
    r, s = (int.from_bytes(signature[half : half + 32], "big") for half in (0, 32))
    assert f"{SERIAL}:{WALLET}" == answer["idAndWallet"]
    assert answer["initialized"] is False
    api.signer.key.public_key().verify(
        encode_dss_signature(r, s), answer["idAndWallet"].encode(), ec.ECDSA(hashes.SHA256())
    )


def test_without_a_dry_run_there_is_no_cloud_to_tell(api: Api) -> None:
    """The refusal says why, and nothing is signed."""
    response = api.call("POST", "/api/initialize", {"wallet": WALLET})

    assert 400 == response.status_code
    assert "cloud" in response.json()["error"]
    assert [] == api.signer.signed


@pytest.mark.parametrize("wallet", ["", "x", "1" * 45, "0" * 40, f"{WALLET}:x", "a|b" * 12])
def test_text_of_the_callers_own_is_never_signed(api: Api, wallet: str) -> None:
    """Only a wallet's key is taken: the box's key vouches for no other text."""
    response = api.call("POST", "/api/initialize", {"wallet": wallet, "dry_run": True})

    assert 400 == response.status_code
    assert [] == api.signer.signed
