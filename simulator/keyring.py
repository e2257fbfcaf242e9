"""The public keys of gateways: from the ledger, or asked of a gateway, trusted on first use.

It knows how a gateway tells its key (`GET /api/crypto`) and never replaces one that is known.
"""

import logging
import threading
from typing import Any

import requests
from cryptography.hazmat.primitives.asymmetric import ec

from simulator.clock import monotonic_s
from simulator.envelope import Malformed, load_key, strict_json
from simulator.ledger import KeyTaken, Ledger

log = logging.getLogger(__name__)

GATEWAY_TIMEOUT_S = 5.0
"""How long a gateway may take to tell its public key."""

GATEWAY_RETRY_S = 2.0
"""Between two questions for a key; deliveries in between are answered 401 at once."""

GATEWAY_REPLY_MAX = 64 * 1024
"""Bytes read of a gateway's answer; a key takes some hundred."""

MAX_KEYS_LOADED = 1000
"""Parsed public keys held in memory; the ledger has them all."""


class KeyRing:
    """Finds the key of a gateway. Safe to use from several threads."""

    def __init__(self, ledger: Ledger, gateway_url: str | None) -> None:
        self._ledger = ledger
        self._url = None if gateway_url is None else gateway_url.rstrip("/") + "/api/crypto"
        self._loaded: dict[str, ec.EllipticCurvePublicKey] = {}
        self._ask_again_at_s = 0.0
        self._lock = threading.Lock()

    def key_of(self, gateway: str) -> ec.EllipticCurvePublicKey | None:
        """The gateway's key, or None where nobody has told it."""
        loaded = self._loaded.get(gateway)
        if loaded is not None:
            return loaded
        public_key = self._ledger.key_of(gateway) or self._ask(gateway)
        if public_key is None:
            return None
        key = load_key(public_key)
        if len(self._loaded) < MAX_KEYS_LOADED:
            self._loaded[gateway] = key
        return key

    def _ask(self, gateway: str) -> str | None:
        if self._url is None or not self._may_ask():
            return None
        try:
            crypto = _fetch(self._url)
            public_key = str(crypto.get("publicKey"))
            if str(crypto.get("serialNumber")).lower() != gateway:
                return None
            load_key(public_key)
            self._ledger.learn_key(gateway, public_key)
        except (requests.RequestException, Malformed, ValueError, KeyTaken) as error:
            log.warning("the gateway told no key", extra={"gateway": gateway, "why": str(error)})
        return self._ledger.key_of(gateway)

    def _may_ask(self) -> bool:
        with self._lock:
            now_s = monotonic_s()
            if now_s < self._ask_again_at_s:
                return False
            self._ask_again_at_s = now_s + GATEWAY_RETRY_S
            return True


def _fetch(url: str) -> dict[str, Any]:
    with requests.Session() as session:
        session.trust_env = False
        with session.get(
            url, timeout=GATEWAY_TIMEOUT_S, stream=True, allow_redirects=False
        ) as reply:
            reply.raise_for_status()
            body = next(reply.iter_content(GATEWAY_REPLY_MAX), b"")
    return strict_json(body, "gateway's answer")
