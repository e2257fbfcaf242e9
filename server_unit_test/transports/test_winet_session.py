"""A session begins, is kept, and is given back; whoever shows another certificate gets nothing."""

import gc
import socket
import struct
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.errors import (
    DeviceTimeout,
    DeviceUnreachable,
    EgretError,
    LinkClosed,
    ProtocolError,
    WrongDevice,
)
from server.devices.link import ERROR_CHARACTERS_MAX
from server.model.device import Account
from server.transports import winet_session
from server.transports.lifeline import Lifeline
from server.transports.websocket_line import MAX_MESSAGE_BYTES
from server.transports.winet_answer import Unit
from server.transports.winet_pins import MemoryPins
from server.transports.winet_session import (
    CONNECT_TIMEOUT_S,
    FAREWELL_TIMEOUT_S,
    MAX_PUSHED,
    MAX_TOKEN_CHARS,
    Door,
    NotThisDoor,
    Refused,
    WinetSession,
    pin_name,
)
from server_unit_test.transports.scripted_server import ScriptedServer
from server_unit_test.transports.scripted_winet import WAIT_S, Body, ScriptedWinet, result

SHORT_S = 0.3


@pytest.fixture(params=["classic", "new"])
def dongle(request: pytest.FixtureRequest) -> Iterator[ScriptedWinet]:
    """A dongle of each generation."""
    with ScriptedWinet(new=request.param == "new") as running:
        yield running


@pytest.fixture
def sessions(dongle: ScriptedWinet) -> Iterator[Callable[[], WinetSession]]:
    """Makes sessions with it and ends them."""
    made: list[WinetSession] = []

    def make() -> WinetSession:
        door = Door(dongle.new, dongle.port, dongle.port)
        made.append(WinetSession("127.0.0.1", door, SHORT_S, CONNECT_TIMEOUT_S, Lifeline()))
        return made[-1]

    yield make
    for each in made:
        each.end(log_out=False)


Make = Callable[[], WinetSession]


def begun(session: WinetSession, pins: MemoryPins | None = None) -> WinetSession:
    """Begun with the factory's account."""
    session.begin(Account(), False, pins or MemoryPins())
    return session


def test_it_logs_in_where_the_firmware_tells_so(dongle: ScriptedWinet, sessions: Make) -> None:
    """An `ip` in the answer to connect is such a tell; older firmware gets no password."""
    session = begun(sessions())

    steps = ["connect", "login", "devicelist"] if dongle.new else ["connect", "devicelist"]
    assert steps == dongle.seen
    assert dongle.token == session.token
    assert {1: Unit(1, 35, 3343)} == session.units


def test_a_list_that_wants_a_login_gets_one(dongle: ScriptedWinet, sessions: Make) -> None:
    """Firmware that tells nothing, and refuses the fresh token instead."""
    dongle.wants_login = False
    dongle.services["devicelist"] = result(106, service="devicelist")

    with pytest.raises(Refused):
        begun(sessions())
    assert ["connect", "devicelist", "login", "devicelist"] == dongle.seen


@pytest.mark.parametrize("service", ["connect", "login", "devicelist"])
def test_a_refused_step_names_itself(dongle: ScriptedWinet, sessions: Make, service: str) -> None:
    """So that the caller can tell a wrong password from a busy dongle."""
    dongle.wants_login = True
    dongle.services[service] = result(114, service=service)

    with pytest.raises(Refused) as caught:
        begun(sessions())
    assert (service, 114) == (caught.value.step, caught.value.answer.code)


def test_it_is_given_back(dongle: ScriptedWinet, sessions: Make) -> None:
    """Logged out and closed, well within the time a stop allows."""
    session = begun(sessions())
    session.end(log_out=True)
    session.end(log_out=True)

    assert "logout" == dongle.seen[-1]
    assert FAREWELL_TIMEOUT_S <= 2
    with pytest.raises(LinkClosed):
        session.ask("state", {})
    with pytest.raises(LinkClosed):
        session.listen()


def test_chatter_is_skipped(dongle: ScriptedWinet, sessions: Make) -> None:
    """Answers to pings and pushed values are not what was asked for."""
    session = begun(sessions())
    session.keep_alive()
    dongle.push({"result_code": 1, "result_data": {"service": "real", "list": []}})

    assert "state" == session.ask("state", {}).service
    session.listen()


def test_endless_chatter_is_the_peers_fault(dongle: ScriptedWinet, sessions: Make) -> None:
    """After MAX_PUSHED messages nobody waits any longer."""
    session = begun(sessions())
    for _ in range(MAX_PUSHED):
        dongle.push({"result_code": 1})
    with pytest.raises(ProtocolError, match=str(MAX_PUSHED)):
        session.ask("state", {})


def test_an_abort_just_before_the_connect_is_not_lost(
    dongle: ScriptedWinet, sessions: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A socket that is not connected yet cannot be shut down; it is not used afterwards."""
    session = sessions()

    class Hasty(socket.socket):
        """Somebody gives up in the very moment in which it connects."""

        def connect(self, address: object) -> None:
            """As a socket."""
            session.lifeline.cut()
            super().connect(address)  # type: ignore[arg-type]  # as the session gives it

    monkeypatch.setattr(winet_session.socket, "socket", Hasty)
    with pytest.raises(DeviceUnreachable, match="broken off"):
        session.begin(Account(), False, MemoryPins())

    assert [] == dongle.seen


def test_a_notice_ends_the_session(dongle: ScriptedWinet, sessions: Make) -> None:
    """The dongle gave it to somebody else, and the words say so."""
    session = begun(sessions())
    dongle.push({"result_code": 100, "result_msg": "normal user limit"})

    with pytest.raises(DeviceUnreachable, match="normal user limit.*somebody else"):
        session.ask("state", {})


@pytest.mark.parametrize(
    "said,kind",
    [
        (None, LinkClosed),
        ("garbage", ProtocolError),
        ("[]", ProtocolError),
        ("x" * (MAX_MESSAGE_BYTES + 1), LinkClosed),
        ({"result_code": 1, "result_data": {"service": "other"}}, DeviceTimeout),
    ],
)
def test_every_failure_has_its_meaning(
    dongle: ScriptedWinet, sessions: Make, said: Body | str | None, kind: type[EgretError]
) -> None:
    """An end, garbage, too much, and the answer to something else."""
    dongle.services["connect"] = said

    with pytest.raises(EgretError) as caught:
        begun(sessions())
    assert kind is type(caught.value)


@pytest.mark.parametrize("token", [None, "", 7, ["x"], "x" * (MAX_TOKEN_CHARS + 1)])
def test_a_success_without_a_token_is_none(
    dongle: ScriptedWinet, sessions: Make, token: object
) -> None:
    """Nothing could be asked with it."""
    dongle.services["connect"] = result(1, service="connect", token=token)

    with pytest.raises(ProtocolError, match="no token"):
        begun(sessions())


def test_a_certificate_is_pinned_once_a_dongle_answers_behind_it() -> None:
    """And shown again it is fine; another one is refused before anything is said."""
    pins = MemoryPins()
    with ScriptedWinet(new=True) as dongle:
        door = Door(True, dongle.port, dongle.port)
        name = pin_name("127.0.0.1", door)

        def session() -> WinetSession:
            return WinetSession("127.0.0.1", door, SHORT_S, WAIT_S, Lifeline())

        for _ in range(2):
            first = begun(session(), pins)
            first.end(log_out=True)
        pinned = pins.pinned(name)
        dongle.change_certificate()
        dongle.seen.clear()
        with pytest.raises(WrongDevice) as caught:
            begun(other := session(), pins)
        other.end(log_out=False)

        assert [] == dongle.seen
        assert pinned == pins.pinned(name)
        assert str(pinned) in str(caught.value)
        assert 2 == sum(len(word) == 64 for word in str(caught.value).replace(".", " ").split())
        assert "remove the device and add it again" in str(caught.value)
        assert len(str(caught.value)) <= ERROR_CHARACTERS_MAX


def test_a_stranger_is_never_pinned() -> None:
    """A web server that is no dongle leaves no pin, though its TLS works."""
    pins = MemoryPins()
    with ScriptedWinet(new=True) as dongle:
        dongle.services["connect"] = "<html>"
        door = Door(True, dongle.port, dongle.port)
        session = WinetSession("127.0.0.1", door, SHORT_S, WAIT_S, Lifeline())
        with pytest.raises(ProtocolError):
            begun(session, pins)
        session.end(log_out=False)

        assert pins.pinned(pin_name("127.0.0.1", door)) is None


def test_the_usual_port_needs_no_mention() -> None:
    """A pin is kept by host alone where nothing else could be meant."""
    assert "dongle" == pin_name("dongle", Door(True, 443, 443))
    assert "dongle:18443" == pin_name("dongle", Door(True, 18443, 18443))


@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 404 Not Found\r\n\r\n", b"\x15\3\1\0\2\2\x28"])
def test_something_else_at_the_port_is_not_this_door(tls: bool, said: bytes) -> None:
    """Silence, a web server, a TLS alert: another door may be the right one."""
    with ScriptedServer(lambda _: (said,)) as server:
        door = Door(tls, server.port, server.port)
        session = WinetSession("127.0.0.1", door, SHORT_S, SHORT_S, Lifeline())
        with pytest.raises(NotThisDoor, match=f"port {server.port}: ."):
            begun(session)
        session.end(log_out=False)


def test_beginning_can_be_broken_off() -> None:
    """From another thread, while the peer keeps silent."""
    with ScriptedServer(lambda _: ()) as server:
        door = Door(False, server.port, server.port)
        session = WinetSession("127.0.0.1", door, WAIT_S, WAIT_S, Lifeline())

        def cut() -> None:
            server.asked.wait(WAIT_S)
            session.lifeline.cut()

        thread = threading.Thread(target=cut)
        thread.start()
        with pytest.raises(DeviceUnreachable, match="broken off"):
            begun(session)
        thread.join()
        session.end(log_out=True)


def test_a_name_that_stands_for_nothing_is_not_this_door() -> None:
    """No label of a name is as long as this."""
    session = WinetSession("x" * 70, Door(False, 1, 1), 1.0, 1.0, Lifeline())

    with pytest.raises(NotThisDoor, match="port 1: ."):
        begun(session)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(raw=st.text(max_size=60), service=st.sampled_from(["connect", "devicelist"]))
def test_no_message_makes_it_fall_or_hang(raw: str, service: str) -> None:
    """Whatever is said instead of an answer is an error of ours, in time."""
    with ScriptedWinet() as dongle:
        dongle.services[service] = raw
        door = Door(False, dongle.port, dongle.port)
        session = WinetSession("127.0.0.1", door, SHORT_S, WAIT_S, Lifeline())
        with pytest.raises(EgretError):
            begun(session)
        session.end(log_out=False)


class Resetting(Lifeline):
    """Goes on to TLS only when the other side has reset the connection."""

    def __init__(self, reset: Callable[[], None]) -> None:
        super().__init__()
        self._reset = reset

    def within(self, limit_s: float) -> AbstractContextManager[None]:
        """As Lifeline.within, a little later."""
        self._reset()
        return super().within(limit_s)


def test_a_connection_that_is_reset_before_tls_is_closed() -> None:
    """`ssl` takes over the socket and then fails without closing it: it must not get that far."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def reset() -> None:
            connection, _ = listener.accept()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

        session = WinetSession(
            "127.0.0.1", Door(True, port, port), WAIT_S, WAIT_S, Resetting(reset)
        )
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            with pytest.raises(NotThisDoor):
                begun(session)
            session.end(log_out=False)
            gc.collect()

    assert [] == [str(each.message) for each in heard]
