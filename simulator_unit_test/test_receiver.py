"""The receiver over HTTP: what it takes, refuses, counts and breaks."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from simulator.faults import Behaviour
from simulator.http_door import Request
from simulator.receiver import Receiver
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
