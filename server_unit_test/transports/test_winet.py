"""The dongle: which firmware, when to be patient, when to leave it alone."""

import socket
import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.errors import (
    DeviceTimeout,
    DeviceUnreachable,
    EgretError,
    ProtocolError,
    RegisterRefused,
    WrongDevice,
)
from server.model.device import Account, Endpoint, Space
from server.transports import open_transport, winet, winet_patience
from server.transports.winet import CLASSIC, NEW, Winet, doors_of
from server.transports.winet_lockout import LOCK_S, REFUSED_LOGIN_PAUSE_S, Lockouts
from server.transports.winet_pins import MemoryPins
from server.transports.winet_session import Door
from server_unit_test.contracts.fake_clock import FakeClock
from server_unit_test.transports.scripted_winet import WAIT_S, ScriptedWinet, http, result

SHORT_S = 0.3
PARAM, PASS = "/device/getParam", "/device/passthroughway"
TYPE_CODE = 4999


@pytest.fixture(params=["classic", "new"])
def dongle(request: pytest.FixtureRequest) -> Iterator[ScriptedWinet]:
    """A dongle whose every register holds its own address."""
    with ScriptedWinet(new=request.param == "new") as running:
        _fill(running)
        yield running


@pytest.fixture
def classic() -> Iterator[ScriptedWinet]:
    """An older one."""
    with ScriptedWinet() as running:
        _fill(running)
        yield running


@pytest.fixture
def new() -> Iterator[ScriptedWinet]:
    """A newer one."""
    with ScriptedWinet(new=True) as running:
        _fill(running)
        yield running


Reach = Callable[..., Winet]


@pytest.fixture
def reach() -> Iterator[Reach]:
    """Makes transports to dongles and closes them."""
    made: list[Winet] = []

    def make(
        dongle: ScriptedWinet,
        clock: FakeClock | None = None,
        pins: MemoryPins | None = None,
        busy_pause_s: float = 0.0,
    ) -> Winet:
        doors = [Door(True, dongle.port, dongle.port), Door(False, dongle.port, dongle.port)]
        made.append(
            Winet(
                "127.0.0.1",
                doors,
                clock=clock,
                pins=pins,
                timeout_s=WAIT_S,
                busy_pause_s=busy_pause_s,
            )
        )
        return made[-1]

    yield make
    for each in made:
        each.close()


def _fill(dongle: ScriptedWinet) -> None:
    dongle.input = {address: address for address in (*range(200), TYPE_CODE)}
    dongle.holding = {address: address for address in range(200)}


def read(transport: Winet) -> tuple[int, ...]:
    """Registers 7 and 8 of unit 1."""
    return transport.read(1, Space.INPUT, 7, 2)


def test_the_firmware_is_recognised_by_asking(dongle: ScriptedWinet, reach: Reach) -> None:
    """The same doors for both generations; frames are passed through where that is offered."""
    words = read(reach(dongle))

    assert (7, 8) == words
    assert (PASS if dongle.new else PARAM) == dongle.seen[-1]


def test_what_answered_last_is_asked_first(classic: ScriptedWinet, reach: Reach) -> None:
    """A second session does not knock at the wrong door again."""
    transport = reach(classic)
    read(transport)
    transport.close()
    first = transport._doors[0]

    assert not first.tls
    assert (7, 8) == read(transport)


@pytest.mark.parametrize(
    "port,doors",
    [
        (502, (NEW, CLASSIC)),
        (443, (NEW,)),
        (8082, (CLASSIC, NEW)),
        (80, (CLASSIC, NEW)),
        (18082, (Door(True, 18082, 18082), Door(False, 18082, 10080))),
        (5000, (Door(True, 5000, 5000), Door(False, 5000, 5000))),
    ],
)
def test_the_port_says_which_doors(port: int, doors: tuple[Door, ...]) -> None:
    """The settings' default means: ask. Shifted ports keep their distance."""
    assert doors == doors_of(port)


def test_nobody_there_names_every_door(reach: Reach) -> None:
    """The words say what was tried."""
    with ScriptedWinet() as gone:
        gone.services["connect"] = None
        with pytest.raises(DeviceUnreachable, match="127.0.0.1"):
            read(reach(gone))
    with pytest.raises(DeviceUnreachable, match=r"no WiNet-S answers \(port .*; port .*\)"):
        read(reach(gone_port(gone)))


def gone_port(dongle: ScriptedWinet) -> ScriptedWinet:
    """The same port, with nobody behind it."""

    class Gone(ScriptedWinet):
        @property
        def port(self) -> int:
            return 9  # The discard service, which nobody runs.

    gone = Gone.__new__(Gone)
    return gone


def test_an_abort_between_two_doors_is_not_lost(classic: ScriptedWinet) -> None:
    """No session is there to be cut in that moment; the next door is not tried."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        closed = taken.getsockname()[1]

    class Hasty(MemoryPins):
        """Somebody gives up while the second door is considered."""

        def pinned(self, host: str) -> str | None:
            """As MemoryPins."""
            transport.abort()
            return super().pinned(host)

    doors = [Door(True, closed, closed), Door(False, classic.port, classic.port)]
    transport = Winet("127.0.0.1", doors, pins=Hasty())
    with pytest.raises(DeviceUnreachable, match="broken off"):
        transport.open()

    assert [] == classic.seen


def test_an_expired_token_is_renewed(dongle: ScriptedWinet, reach: Reach) -> None:
    """A new session, and the value; nobody notices."""
    transport = reach(dongle)
    read(transport)
    dongle.expire_token()

    assert (7, 8) == read(transport)
    assert 2 == dongle.seen.count("connect")


def test_a_token_that_is_never_liked_ends(classic: ScriptedWinet, reach: Reach) -> None:
    """At most MAX_RENEWALS sessions for one request, the last with a login."""
    classic.codes = [106] * 10

    with pytest.raises(DeviceUnreachable, match="refuses every token"):
        read(reach(classic))
    assert 1 + winet_patience.MAX_RENEWALS == classic.seen.count("connect")
    assert 1 == classic.seen.count("login")


def test_a_busy_dongle_is_waited_for(dongle: ScriptedWinet, reach: Reach) -> None:
    """301 for what was asked and for what always answers: it is busy, and later it is not."""
    dongle.codes = [301, 301]

    assert (7, 8) == read(reach(dongle))


def test_patience_ends(dongle: ScriptedWinet, reach: Reach) -> None:
    """After MAX_BUSY_PAUSES pauses it is a busy device, exception 6, and the session stays."""
    transport = reach(dongle)
    dongle.codes = [301] * 2 * (1 + winet_patience.MAX_BUSY_PAUSES)
    with pytest.raises(RegisterRefused, match="stays busy") as caught:
        read(transport)

    assert 6 == caught.value.code
    assert (7, 8) == read(transport)
    assert 1 == dongle.seen.count("connect")


def test_patience_that_has_ended_is_not_begun_anew_at_once(
    dongle: ScriptedWinet, reach: Reach
) -> None:
    """The other blocks of a poll would each wait as long, and the poll would be broken off."""
    clock = FakeClock()
    transport = reach(dongle, clock)
    asked = []
    for pause_s in (0.0, winet_patience.RESIGNED_S - 1, 1.0):
        clock.advance(pause_s)
        dongle.queries.clear()
        dongle.codes = [301] * 99
        with pytest.raises(RegisterRefused, match="stays busy"):
            read(transport)
        asked.append(len(dongle.queries))
    dongle.codes = []

    assert (7, 8) == read(transport)
    assert asked[0] == asked[2] == asked[1] * (winet_patience.MAX_BUSY_PAUSES + 1)


def test_what_alone_gets_301_is_refused(classic: ScriptedWinet, reach: Reach) -> None:
    """Others answer in between, MAX_REFUSED_TRIES times: an illegal address, without a pause."""
    transport = reach(classic, busy_pause_s=WAIT_S)
    with pytest.raises(RegisterRefused, match="not served") as caught:
        transport.read(1, Space.INPUT, 500, 2)

    assert 2 == caught.value.code
    asked = [each["param_addr"] for each in classic.queries]
    assert ["501", "5000"] * winet_patience.MAX_REFUSED_TRIES == asked


def test_a_unit_that_keeps_silent_is_refused(new: ScriptedWinet, reach: Reach) -> None:
    """Passed through, 301 for one unit alone means that it does not answer: exception 11."""
    new.silent_units = {9}
    with pytest.raises(RegisterRefused, match="not served") as caught:
        reach(new, busy_pause_s=WAIT_S).read(9, Space.INPUT, 7, 2)

    assert 11 == caught.value.code


def test_a_web_server_without_registers_is_the_peers_fault(
    new: ScriptedWinet, reach: Reach
) -> None:
    """Neither way of asking is there: the session is given back, and the next read begins anew."""
    new.passes_through = False
    new.raw = [partial(http, b"", "404 Not Found")] * 2
    transport = reach(new)
    with pytest.raises(ProtocolError, match="404"):
        read(transport)

    assert (7, 8) == read(transport)
    assert 2 == new.seen.count("connect")


def test_a_pause_is_broken_off(classic: ScriptedWinet, reach: Reach) -> None:
    """Waiting for a busy dongle holds up no stop."""
    transport = reach(classic, busy_pause_s=WAIT_S)
    classic.codes = [301] * 10

    def stop() -> None:
        while len(classic.queries) < 2:
            classic.asked.wait(WAIT_S)
        transport.abort()

    thread = threading.Thread(target=stop)
    thread.start()
    with pytest.raises(DeviceTimeout):
        read(transport)
    thread.join()
    classic.codes = []

    assert (7, 8) == read(transport)


def test_a_locked_account_is_left_alone(new: ScriptedWinet, reach: Reach) -> None:
    """Nothing at all is sent before the lock has run out; then it works again."""
    clock = FakeClock()
    transport = reach(new, clock)
    new.services["login"] = result(114, service="login")
    with pytest.raises(DeviceUnreachable, match="locked.*nothing is sent before 15:36 UTC"):
        read(transport)
    del new.services["login"]
    new.seen.clear()
    clock.advance(LOCK_S - 1)
    with pytest.raises(DeviceUnreachable, match="locked"):
        read(transport)
    silent = list(new.seen)
    clock.advance(1)

    assert [] == silent
    assert (7, 8) == read(transport)


def test_a_lock_in_the_middle_counts_as_well(dongle: ScriptedWinet, reach: Reach) -> None:
    """114 instead of a value ends the session and is remembered."""
    clock = FakeClock()
    transport = reach(dongle, clock)
    read(transport)
    dongle.codes = [114]
    for _ in range(2):
        with pytest.raises(DeviceUnreachable, match="locked"):
            read(transport)
    clock.advance(LOCK_S)

    assert (7, 8) == read(transport)
    assert 2 == dongle.seen.count("connect")


def test_a_wrong_password_is_not_tried_again_and_again(new: ScriptedWinet, reach: Reach) -> None:
    """One login in REFUSED_LOGIN_PAUSE_S: so the account is never locked by us."""
    clock = FakeClock()
    new.password = "the owner's own"
    transport = reach(new, clock)
    for _ in range(5):
        with pytest.raises(DeviceUnreachable, match="password"):
            read(transport)
    before = new.seen.count("login")
    clock.advance(REFUSED_LOGIN_PAUSE_S)
    with pytest.raises(DeviceUnreachable):
        read(transport)

    assert (1, 2) == (before, new.seen.count("login"))


def test_a_login_that_nobody_wanted_is_not_insisted_on(
    classic: ScriptedWinet, reach: Reach
) -> None:
    """Older firmware whose tokens fail for another reason, with a password of its owner's: after
    the pause it is read without a login, as before."""
    clock = FakeClock()
    classic.password = "the owner's own"
    transport = reach(classic, clock)
    classic.codes = [106, 106]
    with pytest.raises(DeviceUnreachable, match="refuses the login"):
        read(transport)
    clock.advance(REFUSED_LOGIN_PAUSE_S)

    assert (7, 8) == read(transport)
    assert 1 == classic.seen.count("login")


def test_one_session_is_used_and_given_back(dongle: ScriptedWinet, reach: Reach) -> None:
    """However much is read, there is one; closing logs out."""
    transport = reach(dongle)
    for _ in range(3):
        read(transport)
    most = dongle.open_sessions
    transport.close()

    assert 1 == most
    assert 1 == dongle.seen.count("connect")
    assert "logout" == dongle.seen[-1]


def test_a_session_taken_by_somebody_else_is_told(dongle: ScriptedWinet, reach: Reach) -> None:
    """The owner at the dongle's page wins for now; the next attempt begins anew."""
    transport = reach(dongle)
    read(transport)
    dongle.push({"result_code": 100, "result_msg": "normal user limit"})
    with pytest.raises(DeviceUnreachable, match="somebody else"):
        read(transport)

    assert (7, 8) == read(transport)


def test_a_session_that_ran_out_is_begun_anew(dongle: ScriptedWinet, reach: Reach) -> None:
    """A device that is read every quarter of an hour: nobody took it, so nothing has failed."""
    transport = reach(dongle)
    read(transport)
    dongle.push({"result_code": 100, "result_msg": "login timeout"})

    assert (7, 8) == read(transport)
    assert 2 == dongle.seen.count("connect")


def test_a_session_that_was_closed_is_begun_anew(dongle: ScriptedWinet, reach: Reach) -> None:
    """A dongle that restarted between two polls costs nothing but a new session."""
    transport = reach(dongle)
    read(transport)
    dongle.hang_up()

    assert (7, 8) == read(transport)


def test_requests_keep_their_distance(dongle: ScriptedWinet, reach: Reach) -> None:
    """MIN_GAP_S passes between an answer and the next request, by the clock."""
    clock = FakeClock()
    transport = reach(dongle, clock)
    read(transport)
    soon = transport._pace.gap_s()
    clock.advance(winet_patience.MIN_GAP_S)

    assert pytest.approx(winet_patience.MIN_GAP_S) == soon
    assert pytest.approx(0.0) == transport._pace.gap_s()


def test_the_dongle_hears_from_us_now_and_then(dongle: ScriptedWinet, reach: Reach) -> None:
    """A ping every KEEP_ALIVE_S keeps the session from being taken away."""
    clock = FakeClock()
    transport = reach(dongle, clock)
    read(transport)
    clock.advance(winet_patience.KEEP_ALIVE_S)
    read(transport)
    read(transport)
    transport.close()

    assert 1 == dongle.seen.count("ping")


def test_older_firmware_writes_nothing(classic: ScriptedWinet, reach: Reach) -> None:
    """The refusal says what to do instead; the dongle is not even asked."""
    with pytest.raises(RegisterRefused, match="renew its firmware, or .* sungrow_tcp"):
        reach(classic).write(1, 20, (7,))
    assert [] == classic.queries


def test_newer_firmware_without_passthrough_still_reads(new: ScriptedWinet, reach: Reach) -> None:
    """It is asked once, and by getParam from then on; writing is refused in words."""
    new.passes_through = False
    transport = reach(new)
    words = read(transport), read(transport)
    with pytest.raises(RegisterRefused):
        transport.write(1, 20, (7,))

    assert ((7, 8), (7, 8)) == words
    assert [PASS, PARAM, PARAM] == [each for each in new.seen if each.startswith("/")]


def test_passthrough_is_asked_for_again_in_a_new_session(new: ScriptedWinet, reach: Reach) -> None:
    """A dongle that restarts, or is given newer firmware, may offer it then."""
    new.passes_through = False
    transport = reach(new)
    read(transport)
    new.passes_through = True
    new.hang_up()
    read(transport)
    transport.write(1, 20, (7,))

    asked = [each for each in new.seen if each.startswith("/")]
    assert [PASS, PARAM, PASS, PASS] == asked
    assert 7 == new.holding[20]


def test_a_refusal_in_between_accuses_nobody_else(new: ScriptedWinet, reach: Reach) -> None:
    """What was answered before may be refused now: the dongle had time, which is all it proves."""
    transport = reach(new, busy_pause_s=WAIT_S)
    read(transport)
    new.silent_units = {9}
    new.input.clear()
    with pytest.raises(RegisterRefused, match="unit 9.*not served") as caught:
        transport.read(9, Space.INPUT, 7, 2)

    assert 11 == caught.value.code


def test_a_write_is_never_repeated(new: ScriptedWinet, reach: Reach) -> None:
    """A busy dongle may have carried it out: exception 6, once."""
    new.codes = [301]
    with pytest.raises(RegisterRefused) as caught:
        reach(new).write(1, 20, (7,))

    assert 6 == caught.value.code
    assert 1 == len(new.queries)


def test_an_unknown_code_accuses_no_register(dongle: ScriptedWinet, reach: Reach) -> None:
    """It is a failure of the device: code 4, and the session stays."""
    transport = reach(dongle)
    dongle.codes = [999]
    with pytest.raises(RegisterRefused, match="result 999") as caught:
        read(transport)

    assert 4 == caught.value.code
    assert (7, 8) == read(transport)
    assert 1 == dongle.seen.count("connect")


def test_another_certificate_is_an_error_in_words(new: ScriptedWinet, reach: Reach) -> None:
    """Both fingerprints and what to do; permanent until somebody does it."""
    pins = MemoryPins()
    transport = reach(new, pins=pins)
    read(transport)
    transport.close()
    new.change_certificate()

    with pytest.raises(WrongDevice, match="pins.json.*instead of [0-9a-f]{64}"):
        read(transport)
    with pytest.raises(WrongDevice):
        transport.open()


def test_a_pinned_dongle_is_never_spoken_to_without_tls(
    classic: ScriptedWinet, reach: Reach
) -> None:
    """Whoever takes TLS away does not get the password in the clear."""
    pins = MemoryPins()
    pins.pin(f"127.0.0.1:{classic.port}", "ab" * 32)

    with pytest.raises(DeviceUnreachable, match="by TLS only.*pins.json"):
        read(reach(classic, pins=pins))
    assert [] == classic.seen


def test_an_answer_is_awaited_for_a_bounded_time() -> None:
    """A poll's budget of 30 s holds every wait that one request can make."""
    waits_s = winet_patience.MAX_BUSY_PAUSES * winet.BUSY_PAUSE_S + winet.ANSWER_TIMEOUT_S

    assert waits_s < 20


@settings(max_examples=15, deadline=None)
@given(
    answers=st.lists(st.binary(max_size=60), min_size=1, max_size=3),
    framed=st.booleans(),
    new=st.booleans(),
)
def test_no_bytes_make_it_fall_hang_or_invent(
    answers: list[bytes], framed: bool, new: bool
) -> None:
    """Whatever comes over HTTP: the true value after a renewal, or an error of ours."""
    with ScriptedWinet(new=new) as dongle:
        _fill(dongle)
        door = Door(new, dongle.port, dongle.port)
        dongle.raw = [partial(http, raw) if framed else partial(bytes, raw) for raw in answers]
        transport = Winet("127.0.0.1", [door], timeout_s=SHORT_S, busy_pause_s=0.0)
        try:
            words = read(transport)
        except EgretError:
            words = (7, 8)
        transport.close()

    assert (7, 8) == words


def test_it_logs_in_with_the_owners_account(new: ScriptedWinet) -> None:
    """What the firmware was made to take counts, and not the factory's password."""
    new.password = "the owner's own"
    endpoint = Endpoint("winet", "127.0.0.1", new.port)
    transport = open_transport(endpoint, account=Account("owner", new.password))

    assert (7, 8) == read(transport)
    transport.close()


def test_a_refused_account_is_not_repeated_by_another_trial(new: ScriptedWinet) -> None:
    """Each trial has a transport of its own; the corrected account is let through at once."""
    new.password = "the owner's own"
    clock, endpoint = FakeClock(), Endpoint("winet", "127.0.0.1", new.port)
    lockouts = Lockouts(clock)
    for _ in range(3):
        transport = open_transport(endpoint, clock, None, Account("", "wrong"), lockouts)
        with pytest.raises(DeviceUnreachable, match="give the user and the password") as refusal:
            read(transport)
        assert "wrong" not in str(refusal.value)
        transport.close()
    refused = new.seen.count("login")
    transport = open_transport(endpoint, clock, None, Account("", new.password), lockouts)

    assert (1, (7, 8)) == (refused, read(transport))
    transport.close()


def test_no_frame_is_logged(new: ScriptedWinet, caplog: pytest.LogCaptureFixture) -> None:
    """The login is one; its password shows in no log, whatever its level."""
    caplog.set_level("DEBUG")
    new.password = "s3cret-of-the-owner"
    transport = open_transport(
        Endpoint("winet", "127.0.0.1", new.port), account=Account("", new.password)
    )
    read(transport)
    transport.close()

    ours = [each for each in caplog.records if each.name != "websockets.server"]  # The dongle's.
    assert "POST" in str([each.getMessage() for each in ours])
    assert "s3cret" not in str([each.getMessage() for each in ours])
    assert not [each for each in ours if each.name.startswith("websocket")]
