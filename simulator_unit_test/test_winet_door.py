"""The classic dongle on real sockets, as its public clients speak to it."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from websockets.exceptions import ConnectionClosed

from simulator import winet_door, winet_listener, winet_wire
from simulator.plant import VirtualPlant
from simulator.trouble import Trouble
from simulator.winet_sessions import Rules
from simulator_unit_test.dongles import (
    SHORT_S,
    TIMEOUT_S,
    Classic,
    ask,
    classic,
    token_of,
)

WORDS = "0E 03 00 64 "
"""An SH10RT: type code 0x0E03, 10.0 kW."""


@pytest.fixture
def dongle() -> Iterator[Classic]:
    with classic() as opened:
        yield opened


def raw(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: dongle\r\n\r\n".encode()


def test_the_known_clients_way_through(dongle: Classic) -> None:
    """connect, devicelist without a check, then registers over HTTP: the exact strings."""
    with dongle.socket() as client:
        first = ask(client, lang="en_us", token="", service="connect")
        token = first["result_data"]["token"]
        client.send(
            json.dumps(
                {
                    "lang": "en_us",
                    "token": token,
                    "service": "devicelist",
                    "type": "0",
                    "is_check_token": "0",
                }
            )
        )
        listed = json.loads(client.recv(timeout=TIMEOUT_S))

    data = {"service": "connect", "token": token, "uid": 1, "tips_disable": 1}
    assert {"result_code": 1, "result_msg": "success", "result_data": data} == first
    assert [(35, 3587), (44, 8424)] == [
        (item["dev_type"], item["dev_code"]) for item in listed["result_data"]["list"]
    ]
    answer = dongle.param(token)
    assert {
        "result_code": 1,
        "result_msg": "success",
        "result_data": {"param_value": WORDS},
    } == answer.json()
    assert "application/json" == answer.headers["content-type"]


def test_every_value_of_a_block_is_the_plants(dongle: Classic) -> None:
    """A block of a hundred registers is the same as at the plant's own face."""
    with dongle.socket() as client:
        token = token_of(client)
        text = dongle.param(token, param_addr=5000, param_num=50).json()
    words = dongle.plant.face.read("winet", 1, "input", 4999, 50)

    raw_words = bytes.fromhex(text["result_data"]["param_value"])
    assert b"".join(word.to_bytes(2, "big") for word in words) == raw_words


def test_a_second_client_takes_the_session_and_the_first_is_told(dongle: Classic) -> None:
    """The notice is pushed unasked, and the first one's token is 106 from then on."""
    with dongle.socket() as first, dongle.socket() as second:
        token = token_of(first)
        token_of(second)
        pushed = json.loads(first.recv(timeout=TIMEOUT_S))

        assert {
            "result_code": 100,
            "result_msg": "normal user limit",
            "result_data": {"service": "notice"},
        } == pushed
        assert 106 == dongle.param(token).json()["result_code"]


def test_a_second_client_is_refused_where_so_configured() -> None:
    """It gets the notice instead of a token; the first one reads on."""
    with classic(rules=Rules(second="refused")) as dongle:
        with dongle.socket() as first, dongle.socket() as second:
            token = token_of(first)
            refused = ask(second, lang="en_us", token="", service="connect")

            assert (100, {"service": "notice"}) == (
                refused["result_code"],
                refused["result_data"],
            )
            assert 1 == dongle.param(token).json()["result_code"]


def test_a_closed_websocket_frees_the_session_but_not_the_token() -> None:
    """A client may close its websocket and read on; the next client gets in at once."""
    with classic(rules=Rules(second="refused")) as dongle:
        with dongle.socket() as first:
            token = token_of(first)
        read = dongle.param(token).json()["result_code"]
        with dongle.socket() as second:
            # The dongle learns of the close a moment after the client does.
            while (reply := ask(second, service="connect"))["result_code"] == 100:
                continue

        assert (1, "connect") == (read, reply["result_data"]["service"])


def test_it_forgets_its_session_with_the_power(dongle: Classic) -> None:
    """A dongle that was closed and opened again takes no token of before."""
    with dongle.socket() as client:
        token = token_of(client)
    dongle.door.dongle.sessions.forget()

    assert 106 == dongle.param(token).json()["result_code"]


def test_its_rules_may_change_while_it_runs(dongle: Classic) -> None:
    """A shorter life of tokens holds for the one that is out there already."""
    with dongle.socket() as client:
        token = token_of(client)
    dongle.door.rules = Rules(token_life_s=60.0)
    dongle.clock.advance(60)

    assert 106 == dongle.param(token).json()["result_code"]
    assert 60.0 == dongle.door.rules.token_life_s


def test_it_is_a_door_of_the_plant() -> None:
    """A plant that is asked for both dongles opens them beside the others, on free ports."""
    with VirtualPlant(doors={"winet": (0, 0), "winet-tls": 0}) as plant:
        _, http_port, ws_port = plant.doors["winet"].split(":")
        page = requests.get(f"http://127.0.0.1:{http_port}/product/list", timeout=TIMEOUT_S)
        ports = {http_port, ws_port, plant.doors["winet-tls"].split(":")[1]}

    assert 9 == page.json()["result_data"]["product_code"]
    assert 3 == len(ports) and "0" not in ports


@pytest.mark.parametrize(("trouble", "code"), [(Trouble.BUSY, 301), (Trouble.LOCKED, 114)])
def test_busy_and_locked_are_codes_on_both_ports(
    dongle: Classic, trouble: Trouble, code: int
) -> None:
    """301 and 114, and all is well again once the trouble is over."""
    with dongle.socket() as client:
        token = token_of(client)
        number = dongle.order(trouble)
        by_http = dongle.param(token).json()
        by_websocket = ask(client, token=token, service="real", dev_id="1")
        dongle.plant.troubles.clear(number)

        assert [code, code] == [each["result_code"] for each in (by_http, by_websocket)]
        assert "real" == by_websocket["result_data"]["service"]
        assert WORDS == dongle.param(token).json()["result_data"]["param_value"]


def test_a_dropped_request_is_never_answered(dongle: Classic) -> None:
    """The connection stays and nothing comes, on both ports; the websocket then serves on."""
    with dongle.socket() as client:
        token = token_of(client)
        number = dongle.order(Trouble.DROP)
        with pytest.raises(requests.ReadTimeout):
            dongle.param(token, timeout_s=SHORT_S)
        client.send(json.dumps({"service": "ping"}))
        with pytest.raises(TimeoutError):
            client.recv(timeout=SHORT_S)
        dongle.plant.troubles.clear(number)

        assert "state" == ask(client, token=token, service="state")["result_data"]["service"]


def test_a_closed_connection_sends_nothing(dongle: Classic) -> None:
    """Both ports hang up instead of answering."""
    with dongle.socket() as client:
        token = token_of(client)
        dongle.order(Trouble.CLOSE)
        with pytest.raises(requests.ConnectionError):
            dongle.param(token)
        client.send(json.dumps({"service": "ping"}))

        with pytest.raises(ConnectionClosed):
            client.recv(timeout=TIMEOUT_S)


def test_a_short_answer_breaks_off_and_nothing_follows(dongle: Classic) -> None:
    """A page ends in its middle, with the length of the whole in its head."""
    dongle.order(Trouble.SHORT_FRAME)
    with raw(dongle.http_port) as client:
        client.sendall(get("/about/list"))
        client.settimeout(SHORT_S)
        got = b""
        with pytest.raises(TimeoutError):
            while chunk := client.recv(4096):
                got += chunk

    head, _, body = got.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    assert 0 <= len(body) < length


def test_a_short_websocket_message_never_ends(dongle: Classic) -> None:
    """The frame promises more than comes."""
    with dongle.socket() as client:
        token_of(client)
        dongle.order(Trouble.SHORT_FRAME)
        client.send(json.dumps({"service": "ping"}))

        with pytest.raises(TimeoutError):
            client.recv(timeout=SHORT_S)


@pytest.mark.parametrize("trouble", [Trouble.SLOW_DRIP, Trouble.LATENCY])
def test_a_slow_answer_is_right_in_the_end(dongle: Classic, trouble: Trouble) -> None:
    """Byte by byte or after a wait, the answer is whole, on both ports."""
    with dongle.socket() as client:
        token = token_of(client)
        dongle.order(trouble, 0.02)
        by_http = dongle.param(token).json()
        by_websocket = ask(client, token=token, service="state")

        assert WORDS == by_http["result_data"]["param_value"]
        assert "state" == by_websocket["result_data"]["service"]


def test_a_drip_comes_in_more_than_one_piece(dongle: Classic) -> None:
    """A client that takes what there is sees only a part at first."""
    dongle.order(Trouble.SLOW_DRIP, 30.0)
    with raw(dongle.http_port) as client:
        client.sendall(get("/about/list"))
        first = client.recv(65536)

    assert b"WINET" not in first


def test_a_late_answer_is_overtaken(dongle: Classic) -> None:
    """What is asked after it on the same websocket is answered before it."""
    with dongle.socket() as client:
        token = token_of(client)
        number = dongle.order(Trouble.LATE_REPLY, 0.5)
        client.send(json.dumps({"service": "state", "token": token}))
        # A second trouble-free request can only follow once the first has been drawn.
        while dongle.door.requests < 2:
            continue
        dongle.plant.troubles.clear(number)
        replies = [ask(client, service="ping"), json.loads(client.recv(timeout=TIMEOUT_S))]

        assert "result_data" not in replies[0]
        assert "state" == replies[1]["result_data"]["service"]


def test_garbled_answers_are_never_wrong_values(dongle: Classic) -> None:
    """Forty garbled reads: each is no JSON or no hex."""
    with dongle.socket() as client:
        token = token_of(client)
        dongle.order(Trouble.GARBLE)
        texts = [dongle.param(token).text for _ in range(40)]

    def readable(text: str) -> bool:
        try:
            return bool(bytes.fromhex(json.loads(text)["result_data"]["param_value"]))
        except ValueError:
            return False

    assert [] == [text for text in texts if readable(text)]


def test_what_is_no_json_closes_the_websocket(dongle: Classic) -> None:
    """A list, a number or noise is no request."""
    codes: list[Any] = []
    for noise in ("[]", "7", "{", "\x00"):
        with dongle.socket() as client:
            client.send(noise)
            with pytest.raises(ConnectionClosed) as closed:
                client.recv(timeout=TIMEOUT_S)
            codes.append(closed.value.rcvd.code if closed.value.rcvd else None)

    assert [1007] * 4 == codes


def test_a_message_that_is_too_long_closes_the_websocket(dongle: Classic) -> None:
    """MAX_MESSAGE_BYTES are taken, no more."""
    with dongle.socket() as client:
        client.send("x" * (winet_listener.MAX_MESSAGE_BYTES + 1))
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=TIMEOUT_S)

    assert closed.value.rcvd is not None and 1009 == closed.value.rcvd.code


def test_a_silent_websocket_is_told_and_closed(
    dongle: Classic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After IDLE_TIMEOUT_S there is a notice, then the close."""
    monkeypatch.setattr(winet_door, "IDLE_TIMEOUT_S", 0.05)
    with dongle.socket() as client:
        told = json.loads(client.recv(timeout=TIMEOUT_S))
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=TIMEOUT_S)

    assert (100, "login timeout") == (told["result_code"], told["result_msg"])


def test_a_hanging_connection_is_let_go_in_the_end(
    dongle: Classic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After HOLD_TIMEOUT_S the dongle hangs up on a client that waits for ever."""
    monkeypatch.setattr(winet_wire, "HOLD_TIMEOUT_S", 0.05)
    dongle.order(Trouble.DROP)
    with raw(dongle.http_port) as client:
        client.sendall(get("/about/list"))

        assert b"" == client.recv(1)


def test_late_answers_are_bounded(dongle: Classic, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond MAX_LATE outstanding ones the next is waited for."""
    monkeypatch.setattr(winet_door, "MAX_LATE", 1)
    with dongle.socket() as client:
        token = token_of(client)
        dongle.order(Trouble.LATE_REPLY, 0.05)
        for _ in range(3):
            client.send(json.dumps({"service": "state", "token": token}))
        replies = [json.loads(client.recv(timeout=TIMEOUT_S)) for _ in range(3)]

    assert [1, 1, 1] == [reply["result_code"] for reply in replies]


def test_closing_ends_every_conversation_in_time(dongle: Classic) -> None:
    """A hanging HTTP client and an open websocket keep nothing open."""
    with dongle.socket() as client, raw(dongle.http_port) as waiting:
        token_of(client)
        dongle.order(Trouble.DROP)
        waiting.sendall(get("/about/list"))
        while dongle.door.requests < 2:
            continue
        dongle.shut()

        assert b"" == waiting.recv(1)
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=TIMEOUT_S)
        assert 0 == dongle.door.connections


def test_closing_wakes_who_sleeps_and_logs_no_failure(
    dongle: Classic, caplog: pytest.LogCaptureFixture
) -> None:
    """Answers that were to come in ten minutes keep nothing open, and are no error."""
    with dongle.socket() as client, raw(dongle.http_port) as waiting:
        token_of(client)
        dongle.order(Trouble.LATENCY, 600)
        waiting.sendall(get("/about/list"))
        client.send(json.dumps({"service": "ping"}))
        while dongle.door.requests < 3:
            continue
        dongle.shut()

        assert b"" == waiting.recv(1)
    assert [] == [each.message for each in caplog.records if each.levelname == "ERROR"]


def test_a_taken_websocket_port_leaves_no_half_open_dongle(dongle: Classic) -> None:
    """Both ports open, or none: the error is told and the HTTP port is free again."""
    with pytest.raises(OSError, match="[Aa]ddress"):
        dongle.open_another(0, dongle.ws_port)
