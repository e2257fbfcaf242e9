"""The line that says how it goes, from what the receiver counts and what the gateway says."""

from collections.abc import Mapping
from typing import Any

import requests

HTTP_TIMEOUT_S = 3.0
"""For one question to a child; it is on this machine."""


def fetch(url: str) -> Mapping[str, Any]:
    """The JSON object at `url`, an empty one when there is no answer."""
    try:
        answer = requests.get(url, timeout=HTTP_TIMEOUT_S)
        body = answer.json() if answer.ok else {}
    except (requests.RequestException, ValueError):
        return {}
    return body if isinstance(body, dict) else {}


def register(receiver: str, gateway: str) -> bool:
    """Tell the receiver whose signatures to believe; True once it knows."""
    key = fetch(f"{gateway}/api/crypto")
    if not key:
        return False
    try:
        answer = requests.post(
            f"{receiver}/register",
            json={"device": key.get("serialNumber"), "public_key": key.get("publicKey")},
            timeout=HTTP_TIMEOUT_S,
        )
    except requests.RequestException:
        return False
    return answer.ok


def line(stats: Mapping[str, Any]) -> str:
    """One line for people."""
    if not stats:
        return "the receiver does not answer; the gateway keeps every reading until it does"
    accepted, gaps = stats.get("accepted", 0), stats.get("gaps", 0)
    twice, bad = stats.get("duplicates", 0), stats.get("bad_signatures", 0)
    rest = f", {twice} delivered twice" if twice else ""
    rest += f", {bad} WITH A BAD SIGNATURE" if bad else ""
    noun = "gap" if gaps == 1 else "gaps"
    return f"{accepted} readings acknowledged, {gaps} {noun}{rest}"
