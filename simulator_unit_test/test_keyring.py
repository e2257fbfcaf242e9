"""Keys are learned from a gateway once, believed never twice, and asked for with patience."""

import socket
from collections.abc import Iterator

import pytest
import requests

from simulator import keyring as module
from simulator.http_door import Answer, HttpDoor, Request
from simulator.keyring import MAX_KEYS_LOADED
from simulator.receiver import Receiver
from simulator_unit_test.signing import GATEWAY, Gateway

ME = Gateway()


@pytest.fixture
def web() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def post(web: requests.Session, receiver: Receiver, body: bytes) -> int:
    """Deliver; the status."""
    with web.post(receiver.url, data=body, timeout=10) as reply:
        return reply.status_code


class Crypto:
    """A gateway that tells its key, or whatever it is set to tell."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.told: object = {"serialNumber": GATEWAY, "publicKey": ME.public_key}
        self.status = 200
        self.door = HttpDoor(self._answer, lambda: 0)

    def _answer(self, request: Request) -> Answer:
        self.asked.append(request.path)
        return Answer(self.status, self.told)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.door.address[1]}"


@pytest.fixture
def gateway() -> Iterator[Crypto]:
    crypto = Crypto()
    crypto.door.start("127.0.0.1", 0)
    yield crypto
    crypto.door.stop()


def test_gateway_is_asked_for_its_key(gateway: Crypto, web: requests.Session) -> None:
    """With a gateway's address, its key is learned when it first delivers, and only then."""
    with Receiver(gateway=gateway.url + "/") as receiver:
        statuses = [post(web, receiver, ME.deliver({ms: ms})) for ms in (1, 2)]

    assert ([200, 200], ["/api/crypto"]) == (statuses, gateway.asked)


@pytest.mark.parametrize(
    "told",
    [
        {"serialNumber": "f" * 18, "publicKey": ME.public_key},
        {"serialNumber": GATEWAY, "publicKey": "short"},
        {"serialNumber": GATEWAY},
        ["not", "an", "object"],
        "x" * module.GATEWAY_REPLY_MAX,
    ],
)
def test_gateway_that_tells_no_key(gateway: Crypto, web: requests.Session, told: object) -> None:
    """An answer that is no key of this gateway's is not believed, and not asked for at once."""
    gateway.told = told
    with Receiver(gateway=gateway.url) as receiver:
        statuses = [post(web, receiver, ME.deliver({ms: ms})) for ms in (1, 2)]

    assert ([401, 401], ["/api/crypto"]) == (statuses, gateway.asked)


def test_gateway_is_asked_again_later(
    gateway: Crypto, web: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway that was still starting is asked again after a while."""
    monkeypatch.setattr(module, "GATEWAY_RETRY_S", 0.0)
    gateway.status = 503
    with Receiver(gateway=gateway.url) as receiver:
        early = post(web, receiver, ME.deliver({1: 1}))
        gateway.status = 200
        later = post(web, receiver, ME.deliver({1: 1}))

    assert (401, 200) == (early, later)


def test_gateway_that_never_answers(web: requests.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """A silent gateway holds a delivery no longer than its timeout."""
    monkeypatch.setattr(module, "GATEWAY_TIMEOUT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with Receiver(gateway=f"http://127.0.0.1:{silent.getsockname()[1]}") as receiver:
            status = post(web, receiver, ME.deliver({1: 1}))

    assert 401 == status


def test_more_keys_than_are_held(web: requests.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys beyond what is held in memory are read from the ledger each time."""
    monkeypatch.setattr(module, "MAX_KEYS_LOADED", 1)
    others = [Gateway(f"{number:018x}") for number in range(3)]

    with Receiver(keys={other.serial: other.public_key for other in others}) as receiver:
        bodies = [other.deliver({1000: 1}) for other in others] * 2
        statuses = {post(web, receiver, body) for body in bodies}

    assert ({200}, True) == (statuses, MAX_KEYS_LOADED > 1)
