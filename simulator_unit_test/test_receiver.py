"""The receiver over HTTP: what it takes, refuses, counts and breaks."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from simulator import receiver as module
from simulator.faults import Behaviour
from simulator.http_door import Answer, HttpDoor, Request
from simulator.receiver import MAX_KEYS_LOADED, Receiver
from simulator_unit_test.signing import BOOT, GATEWAY, Gateway

ME = Gateway()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(keys={GATEWAY: ME.public_key}) as receiver:
        yield receiver


@pytest.fixture
def web() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def post(web: requests.Session, receiver: Receiver, path: str, body: Any) -> tuple[int, Any]:
    """Post bytes, or JSON; the status and what was answered."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with web.post(receiver.url + path, data=raw, timeout=10) as reply:
        return reply.status_code, reply.json()


def get(web: requests.Session, receiver: Receiver, path: str) -> Any:
    with web.get(receiver.url + path, timeout=10) as reply:
        return reply.json()


def test_good_delivery(receiver: Receiver, web: requests.Session) -> None:
    """A signed delivery on any path is acknowledged with what became of it."""
    first = post(web, receiver, "gw/data/", ME.deliver({1000: 1, 2000: 2}))
    again = post(web, receiver, "", ME.deliver({2000: 2, 3000: 3}))

    assert (200, {"accepted": 2, "duplicates": 0}) == first
    assert (200, {"accepted": 1, "duplicates": 1}) == again


def test_stats(receiver: Receiver, web: requests.Session) -> None:
    """The figures others rely on are all there."""
    post(web, receiver, "", ME.deliver({1000: 1, 2000: 4}))
    post(web, receiver, "", ME.deliver({1000: 1}))

    stats = get(web, receiver, "stats")

    expected = {"accepted": 2, "duplicates": 1, "gaps": 2, "bad_signatures": 0, "devices": 1}
    assert expected == {name: stats[name] for name in expected}
    assert stats == receiver.stats()


def test_identities_conflicts_and_records(receiver: Receiver, web: requests.Session) -> None:
    """Ranges, contradictions and the newest records can be asked for."""
    post(web, receiver, "", ME.deliver({1000: 1, 2000: 2}))
    post(web, receiver, "", ME.deliver({2000: 2}, word=9))

    assert [[1, 2]] == get(web, receiver, "identities")[BOOT]["ranges"]
    assert ["content"] == [conflict["kind"] for conflict in get(web, receiver, "conflicts")]
    assert [2] == [
        record["sequence"] for record in get(web, receiver, "records?sn=A2212345678&limit=1")
    ]
    assert [] == get(web, receiver, "records?sn=NOBODY")


@pytest.mark.parametrize("limit", ["0", "1001", "many", "-1", "1" * 20])
def test_limit_of_records(receiver: Receiver, web: requests.Session, limit: str) -> None:
    """A limit out of bounds is refused in words."""
    assert "from 1 to 1000" in get(web, receiver, f"records?limit={limit}")["error"]


def test_nothing_there(receiver: Receiver, web: requests.Session) -> None:
    """A page that does not exist says which do."""
    assert "/identities" in get(web, receiver, "nothing")["error"]


def test_bad_signature(receiver: Receiver, web: requests.Session) -> None:
    """A delivery that another key signed is refused, counted, and not kept."""
    status, reply = post(web, receiver, "", Gateway().deliver({1000: 1}))

    assert (401, "the signature is not from the registered key") == (status, reply["error"])
    assert (1, 0) == (receiver.stats()["bad_signatures"], receiver.stats()["accepted"])


def test_unknown_key(receiver: Receiver, web: requests.Session) -> None:
    """A gateway nobody knows is told how to register."""
    status, reply = post(web, receiver, "", Gateway("f" * 18).deliver({1000: 1}))

    assert (401, True) == (status, "POST /register" in reply["error"])
    assert (1, 0) == (receiver.stats()["unknown_keys"], receiver.stats()["bad_signatures"])


def test_malformed(receiver: Receiver, web: requests.Session) -> None:
    """What is no delivery is answered 400 with what is wrong."""
    status, reply = post(web, receiver, "", b"hello")

    assert (400, True, 1) == (status, "not a JWT" in reply["error"], receiver.stats()["malformed"])


def test_register(receiver: Receiver, web: requests.Session) -> None:
    """A key can be registered, once more, but not replaced by another."""
    other = Gateway("a" * 18)
    wanted = {"device": "A" * 18, "public_key": other.public_key}

    statuses = [post(web, receiver, "register", wanted)[1]["new"] for _ in range(2)]
    stolen = post(web, receiver, "register", wanted | {"public_key": ME.public_key})[0]
    delivered = post(web, receiver, "", other.deliver({1000: 1}))[0]

    assert ([True, False], 409, 200) == (statuses, stolen, delivered)


@pytest.mark.parametrize(
    "body", [[], {}, {"device": GATEWAY, "public_key": "00"}, {"device": 1, "public_key": "x"}]
)
def test_register_nonsense(receiver: Receiver, web: requests.Session, body: object) -> None:
    """A registration that is none is refused in words."""
    status, reply = post(web, receiver, "register", body)

    assert (400, True) == (status, bool(reply["error"]))


def test_more_keys_than_are_held(web: requests.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys beyond what is held in memory are read from the ledger each time."""
    monkeypatch.setattr(module, "MAX_KEYS_LOADED", 1)
    others = [Gateway(f"{number:018x}") for number in range(3)]

    with Receiver(keys={other.serial: other.public_key for other in others}) as receiver:
        bodies = [other.deliver({1000: 1}) for other in others] * 2
        statuses = {post(web, receiver, "", body)[0] for body in bodies}

    assert ({200}, True) == (statuses, MAX_KEYS_LOADED > 1)


def test_behaviour(receiver: Receiver, web: requests.Session) -> None:
    """A status is answered to everything until it is taken back, and nothing is kept meanwhile."""
    post(web, receiver, "behaviour", {"status": 500})
    failed = post(web, receiver, "", ME.deliver({1000: 1}))[0]
    kept = receiver.stats()["accepted"]

    post(web, receiver, "behaviour", {"fail": 0})
    mended = post(web, receiver, "", ME.deliver({1000: 1}))[0]

    assert (500, 0, 200, 0.0) == (failed, kept, mended, get(web, receiver, "behaviour")["fail"])


def test_behaviour_that_cannot_be(receiver: Receiver, web: requests.Session) -> None:
    """A wrong value is refused in words."""
    status, reply = post(web, receiver, "behaviour", {"fail": 2})

    assert (400, "fail must be a number from 0 to 1") == (status, reply["error"])


def test_behaviour_from_elsewhere(receiver: Receiver) -> None:
    """Only this machine may change the behaviour."""
    answer = receiver._answer(Request("POST", "/behaviour", "", b"{}", from_loopback=False))

    assert answer is not None and 403 == answer.status


def test_drop(receiver: Receiver, web: requests.Session) -> None:
    """A dropped delivery gets no answer and is not kept."""
    receiver.behave(drop=1.0)

    with pytest.raises(requests.ConnectionError):
        post(web, receiver, "", ME.deliver({1000: 1}))

    assert 0 == receiver.stats()["accepted"]


def test_lost_acknowledgement(receiver: Receiver, web: requests.Session) -> None:
    """A delivery whose answer is lost is kept, and comes again as a duplicate."""
    receiver.behave(lose_ack=1.0)
    with pytest.raises(requests.ConnectionError):
        post(web, receiver, "", ME.deliver({1000: 1}))
    receiver.behave(lose_ack=0)

    again = post(web, receiver, "", ME.deliver({1000: 1}))

    assert (200, {"accepted": 0, "duplicates": 1}) == again


def test_delay_ends_with_the_receiver(web: requests.Session) -> None:
    """A delayed answer keeps a client waiting, but never the end of the receiver."""
    with Receiver(behaviour=Behaviour(delay_s=600)) as receiver:
        with pytest.raises(requests.ReadTimeout):
            web.post(receiver.url, data=b"x", timeout=0.2)
        waiting = receiver.stats()

    assert (1, 0) == (waiting["deliveries"], waiting["malformed"])


def test_largest_body_can_be_changed(receiver: Receiver, web: requests.Session) -> None:
    """A gateway that meets 413 must send less; the limit is part of the behaviour."""
    receiver.behave(bodies_max=1000)
    small, large = ({ms: ms for ms in range(count)} for count in (1, 50))

    statuses = [post(web, receiver, "", ME.deliver(batch))[0] for batch in (large, small)]

    assert [413, 200] == statuses


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
        statuses = [post(web, receiver, "", ME.deliver({ms: ms}))[0] for ms in (1, 2)]

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
        statuses = [post(web, receiver, "", ME.deliver({ms: ms}))[0] for ms in (1, 2)]

    assert ([401, 401], ["/api/crypto"]) == (statuses, gateway.asked)


def test_gateway_is_asked_again_later(
    gateway: Crypto, web: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway that was still starting is asked again after a while."""
    monkeypatch.setattr(module, "GATEWAY_RETRY_S", 0.0)
    gateway.status = 503
    with Receiver(gateway=gateway.url) as receiver:
        early = post(web, receiver, "", ME.deliver({1: 1}))[0]
        gateway.status = 200
        later = post(web, receiver, "", ME.deliver({1: 1}))[0]

    assert (401, 200) == (early, later)


def test_gateway_that_never_answers(web: requests.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """A silent gateway holds a delivery no longer than its timeout."""
    monkeypatch.setattr(module, "GATEWAY_TIMEOUT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with Receiver(gateway=f"http://127.0.0.1:{silent.getsockname()[1]}") as receiver:
            status = post(web, receiver, "", ME.deliver({1: 1}))[0]

    assert 401 == status


def test_wrong_key_at_start() -> None:
    """A key on the command line that is none is refused before anything listens."""
    with pytest.raises(ValueError, match="128 hex digits"):
        Receiver(keys={GATEWAY: "00"})


@pytest.fixture(scope="module")
def shared() -> Iterator[Receiver]:
    with Receiver(keys={GATEWAY: ME.public_key}) as receiver:
        yield receiver


@given(st.binary(max_size=300) | st.from_regex(rb"[\w-]{0,40}\.[\w-]{0,40}\.[\w-]{0,90}"))
def test_no_body_crashes_it(shared: Receiver, body: bytes) -> None:
    """Whatever is delivered is refused in words, and a good delivery is taken afterwards."""
    with requests.Session() as session:
        refused = post(session, shared, "", body)[0]
        taken = post(session, shared, "", ME.deliver({1000: 1}))[0]

    assert (400, 200) == (refused, taken)
