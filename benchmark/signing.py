"""Encoding and signing a harvest beside the same by hand."""

import base64
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from benchmark.figures import Section, Table, at_most, median, median_ratio, micro, number, ratio
from benchmark.measure import cpu_cost, interleaved, medians
from benchmark.progress import say
from server.identity import jwt
from server.identity.software_key import KEY_FILE, SoftwareKey
from server.model.delivery import DeviceFacts
from server.model.reading import ClockQuality, Reading, Record, Stored
from server.sinks.harvest import claims

RECORDS = 10
WORDS = 89
"""Ten records of 89 words make a payload of 12.7 kB."""
TOKENS = 500

Claims = tuple[dict[str, object], dict[int, dict[int, int]]]


def _stored() -> list[Stored]:
    words = {13000 + address: 10_000 + 17 * address for address in range(WORDS)}
    return [
        Stored(
            number + 1,
            Record(
                1,
                number + 1,
                Reading(
                    "roof", 1_780_000_000_000 + 1000 * number, 0, ClockQuality.SYNCED, {}, words
                ),
            ),
        )
        for number in range(RECORDS)
    ]


class _ByHand:
    """Encode, sign, join: what anybody would write, with the given JSON encoder."""

    def __init__(self, pem: bytes, dumps: Callable[[object], bytes]) -> None:
        key = load_pem_private_key(pem, password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self._key = key
        self._dumps = dumps

    def token(self, made: Claims) -> bytes:
        header, payload = made
        head = {"alg": "ES256", "typ": "JWT", **header}
        signed = _base64url(self._dumps(head)) + b"." + _base64url(self._dumps(payload))
        r, s = decode_dss_signature(self._key.sign(signed, ec.ECDSA(SHA256())))
        return signed + b"." + _base64url(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def _base64url(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def _json_dumps(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def measure(quick: bool) -> Section:
    """Tokens of one harvest."""
    say("encoding and signing a harvest")
    device = DeviceFacts("roof", "Roof", "sungrow_hybrid", "A2212345678", "SH10RT")
    stored = _stored()
    with tempfile.TemporaryDirectory() as name:
        key = SoftwareKey.open(Path(name))
        pem = (Path(name) / KEY_FILE).read_bytes()
    made: Claims = claims(device, stored)
    plain, quickest = _ByHand(pem, _json_dumps), _ByHand(pem, msgspec.json.encode)

    def cost(run: Callable[[], object]) -> Callable[[], float]:
        count = TOKENS // 5 if quick else TOKENS

        def repeated() -> int:
            for _ in range(count):
                run()
            return count

        return lambda: cpu_cost(repeated, time.thread_time)

    def whole() -> bytes:
        header, payload = claims(device, stored)
        return jwt.encode(header, payload, key)

    runs = {
        "Egret, encode + sign": cost(lambda: jwt.encode(made[0], made[1], key)),
        "Egret, from stored records": cost(whole),
        "by hand: json + cryptography": cost(lambda: plain.token(made)),
        "by hand: msgspec + cryptography": cost(lambda: quickest.token(made)),
        "the signature alone": cost(lambda: key.sign(b"x" * 17_000)),
    }
    costs = interleaved(runs, 3 if quick else 9)
    ours, _, by_hand, quick_hand, _ = costs.values()
    middle = medians(costs)
    size = number(len(msgspec.json.encode(made[1])) / 1000)
    rows = tuple(
        (name, micro(each), ratio(median_ratio(costs[name], by_hand)))
        for name, each in middle.items()
    )
    return Section(
        "Signing",
        f"CPU time for one ES256 token over a harvest of {RECORDS} records, {size} kB of payload.",
        (Table(("One token", "CPU", "× json + cryptography"), rows),),
        (
            at_most("Encode + sign a harvest", median(ours) * 1e6, 60, " µs"),
            at_most("Encode + sign", median_ratio(ours, quick_hand), 1.15, " × msgspec by hand"),
        ),
    )
