"""What is asked over HTTP, as the dongle sees it."""

from collections.abc import Iterator

import pytest

from server.errors import ProtocolError
from server.model.device import Space
from server.transports.lifeline import Lifeline
from server.transports.winet_pins import MemoryPins
from server.transports.winet_question import GetParam, NotOffered, Passthrough
from server.transports.winet_rtu import read_frame
from server.model.device import Account
from server.transports.winet_session import Door, WinetSession
from server_unit_test.transports.scripted_winet import ScriptedWinet, http

DOWN_S = 1.0


@pytest.fixture
def dongle() -> Iterator[ScriptedWinet]:
    """An older dongle with a battery on unit 2."""
    with ScriptedWinet() as running:
        running.passes_through = True
        running.input = {4999: 0x0E03}
        running.listed.append({"dev_id": 2, "dev_type": 44, "dev_code": 8424})
        yield running


@pytest.fixture
def session(dongle: ScriptedWinet) -> Iterator[WinetSession]:
    """A session with it."""
    door = Door(False, dongle.port, dongle.port)
    made = WinetSession("127.0.0.1", door, DOWN_S, DOWN_S, Lifeline())
    made.begin(Account(), False, MemoryPins())
    yield made
    made.end(log_out=True)


def test_get_param_names_the_unit_and_the_documents_address(
    dongle: ScriptedWinet, session: WinetSession
) -> None:
    """Wire 4999 is document 5000; kind and code are those of the unit's entry in the list."""
    question = GetParam(2, Space.INPUT, 4999, 1)
    words = question.words(question.ask(session, 77))

    assert (0x0E03,) == words
    assert question.repeatable
    assert {
        "dev_id": "2",
        "dev_type": "44",
        "dev_code": "8424",
        "type": "3",
        "param_addr": "5000",
        "param_num": "1",
        "param_type": "0",
        "token": session.token,
        "lang": "en_us",
        "time123456": "77",
    } == dongle.queries[-1]


def test_a_frame_is_passed_through_in_capitals(
    dongle: ScriptedWinet, session: WinetSession
) -> None:
    """With its length in bytes and its checksum; a unit not listed goes by the first one's kind."""
    question = Passthrough(9, read_frame(9, 4, 4999, 1))
    words = question.words(question.ask(session, 0))

    assert (0x0E03,) == words
    assert {
        "dev_code": 3343,
        "dev_id": 9,
        "dev_type": 35,
        "lang": "en_us",
        "msgLength": 8,
        "msgType": "0",
        "msgValue": read_frame(9, 4, 4999, 1).hex().upper(),
        "token": session.token,
    } == dongle.queries[-1]


def test_what_changes_something_is_not_repeatable() -> None:
    """A write whose outcome is unknown must not be made twice."""
    assert not Passthrough(1, b"", writes=True).repeatable


def test_a_missing_path_is_not_offered(dongle: ScriptedWinet, session: WinetSession) -> None:
    """Firmware without the path says 404."""
    dongle.passes_through = False

    with pytest.raises(NotOffered):
        Passthrough(1, read_frame(1, 4, 0, 1)).ask(session, 0)


@pytest.mark.parametrize("status,code", [("401 Unauthorized", 106), ("403 Forbidden", 106)])
def test_an_unwanted_token_may_be_told_by_http(
    dongle: ScriptedWinet, session: WinetSession, status: str, code: int
) -> None:
    """It means the same as result code 106."""
    dongle.raw.append(lambda: http(b"", status))

    assert code == GetParam(1, Space.INPUT, 4999, 1).ask(session, 0).code


def test_any_other_status_is_the_peers_fault(dongle: ScriptedWinet, session: WinetSession) -> None:
    """A server error carries no words."""
    dongle.raw.append(lambda: http(b"{}", "500 Internal Server Error"))

    with pytest.raises(ProtocolError, match="status 500"):
        GetParam(1, Space.INPUT, 4999, 1).ask(session, 0)
