"""POST initialize: bind the box to a wallet. A dry run only, until there is a cloud to tell.

The key signs something here that a caller named, so the text is held to the one form that it may
have: the box's serial and a wallet, never text of the caller's own making, which is for `signing`.
"""

import re

import msgspec

from server.api.call import Call, Nothing, Reply, answer
from server.api.refusals import BadRequest

_WALLET = re.compile(r"[1-9A-HJ-NP-Za-km-z]{32,44}")
"""A public key of 32 bytes in base58."""


class Wallet(msgspec.Struct, frozen=True):
    """The wallet's public key in base58, and `dry_run`, which must be true for now."""

    wallet: str
    dry_run: bool = False


class Initialized(msgspec.Struct, frozen=True):
    """What would be sent; `initialized` is false because nothing was."""

    initialized: bool
    idAndWallet: str  # noqa: N815  # The contract's spelling.
    signature: str
    message: str


def initialize(call: Call[Nothing, Wallet]) -> Reply:
    """Show what would be sent."""
    if not _WALLET.fullmatch(call.body.wallet):
        raise BadRequest("wallet: give its public key in base58, 32 to 44 characters")
    if not call.body.dry_run:
        raise BadRequest("dry_run: must be true, because this gateway has no cloud to tell yet")
    signer = call.context.services.signer
    text = f"{signer.serial}:{call.body.wallet}"
    return answer(
        Initialized(
            initialized=False,
            idAndWallet=text,
            signature=signer.sign(text.encode()).hex(),
            message="dry run: this is what would be sent; nothing was",
        )
    )
