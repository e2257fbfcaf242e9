"""The dongle passes the suite of all transports; the older firmware but for what it cannot."""

from collections.abc import Iterator

import pytest

from server.ports import Transport
from server.transports.winet import Winet
from server.transports.winet_session import Door
from server_unit_test.contracts import test_transport as contract
from server_unit_test.transports.scripted_winet import ScriptedWinet

SHORT_S = 0.3

BOTH = (
    "test_a_read_returns_exactly_its_words",
    "test_an_impossible_read_is_our_own_mistake",
    "test_a_refusal_carries_its_code",
    "test_an_impossible_write_is_our_own_mistake",
    "test_silence_is_a_timeout",
    "test_a_closed_connection_says_so",
    "test_garbage_is_the_peers_fault",
    "test_open_and_close_may_be_repeated",
    "test_abort_between_calls_breaks_nothing",
    "test_every_failure_is_one_of_ours",
)
WRITING = (
    "test_a_write_is_read_back",
    "test_a_refused_write_carries_its_code",
    "test_a_write_fails_as_a_read_does",
)
globals().update({name: getattr(contract, name) for name in (*BOTH, *WRITING)})


class WinetBench:
    """A dongle on loopback."""

    def __init__(self, dongle: ScriptedWinet) -> None:
        self._dongle = dongle
        door = Door(dongle.new, dongle.port, dongle.port)
        self.transport: Transport = Winet("127.0.0.1", [door], timeout_s=SHORT_S)

    def next_is_silent(self) -> None:
        """As Bench."""
        self._dongle.raw.append(lambda: b"")

    def next_is_closed(self) -> None:
        """As Bench."""
        self._dongle.raw.append(lambda: None)

    def next_is_garbled(self) -> None:
        """As Bench."""
        self._dongle.raw.append(lambda: b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Older firmware writes nothing, so the tests of writing are for the newer one alone."""
    if "bench" in metafunc.fixturenames:
        writes = metafunc.function.__name__ in WRITING
        metafunc.parametrize("bench", ["new"] if writes else ["classic", "new"], indirect=True)


@pytest.fixture
def bench(request: pytest.FixtureRequest) -> Iterator[contract.Bench]:
    """A dongle with the registers of the suite."""
    with ScriptedWinet(new=request.param == "new") as dongle:
        dongle.input = {**contract.INPUT, 4999: 0x0E03}
        dongle.holding = dict(contract.HOLDING)
        made = WinetBench(dongle)
        yield made
        made.transport.close()


def test_no_test_of_the_suite_is_forgotten() -> None:
    """What is added to the suite is asked of the dongle, too."""
    suite = {name for name in vars(contract) if name.startswith("test_")}

    assert suite == {*BOTH, *WRITING}
