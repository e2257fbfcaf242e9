"""The box's Wi-Fi over a real message bus, against services that behave as NetworkManager does."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from server.clock import SystemClock
from server.errors import EgretError, WifiRefused, WifiUnanswered, WifiUnavailable
from server.host.wifi import NetworkManagerWifi
from server.model.request import JoinWifi
from server.model.wifi import Security, WifiJoined, WifiReason, WifiStep, WifiTold
from server_unit_test.host.network_manager_double import (
    ACTIVATED,
    CONFIG,
    FAILED,
    SAE,
    UNAVAILABLE,
    UNMANAGED,
    Network,
    Services,
    Street,
)
from system_test.processes import Children, Program, start_gateway, wait_until

ANSWER_TIMEOUT_S = 30.0

pytestmark = [pytest.mark.system, pytest.mark.timeout(60)]

HOME, HOME_PSK = b"HomeAP", "home-password"
NEW, NEW_PSK = b"TestAP", "right-password"
WRONG = "wrong-password"
CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:dir={folder}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
    <allow user="*"/>
  </policy>
</busconfig>
"""


@pytest.fixture(scope="session")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a message bus that is ours alone."""
    folder = tmp_path_factory.mktemp("bus")
    configuration = folder / "bus.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder))
    daemon = subprocess.Popen(
        ["dbus-daemon", f"--config-file={configuration}", "--nofork", "--print-address"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert daemon.stdout is not None
    try:
        yield daemon.stdout.readline().strip()
    finally:
        daemon.terminate()
        daemon.wait(10)
        daemon.stdout.close()


@pytest.fixture
def street() -> Street:
    """A house with one network that works already, and a new one."""
    return Street([Network(HOME, HOME_PSK, address="10.42.2.10"), Network(NEW, NEW_PSK)])


@pytest.fixture
def start(bus: str, street: Street) -> Iterator[Callable[[], Services]]:
    """Starts the services, once the street is arranged."""
    begun: list[Services] = []

    def begin() -> Services:
        if not begun:
            begun.append(Services(bus, street))
        return begun[0]

    yield begin
    for each in begun:
        each.close()


@pytest.fixture
def wifi(bus: str) -> NetworkManagerWifi:
    """The box's Wi-Fi on that bus."""
    return NetworkManagerWifi(SystemClock("always"), bus)


@pytest.fixture
def home(start: Callable[[], Services], wifi: NetworkManagerWifi, street: Street) -> str:
    """The box is on its home network; the path of that profile."""
    services = start()
    path = services.at_home(HOME, HOME_PSK)
    while street.state != ACTIVATED:
        services.do(lambda: None)
    street.history.clear()
    return path


def join(
    wifi: NetworkManagerWifi, wanted: JoinWifi
) -> tuple[list[WifiTold], WifiJoined | EgretError]:
    """Every step that is told, and what comes of it."""
    attempt = wifi.join(wanted)
    told: list[WifiTold] = []
    try:
        while True:
            news = attempt.advance()
            if isinstance(news, WifiJoined):
                return told, news
            told.append(news)
    except EgretError as error:
        return told, error


def steps(told: list[WifiTold]) -> list[WifiStep]:
    """What a phone would see."""
    return [each.step for each in told]


def test_the_right_password_is_joined_and_stored(
    home: str, wifi: NetworkManagerWifi, street: Street
) -> None:
    """Every step is told; the profile is on disk with its password and connects by itself."""
    told, joined = join(wifi, JoinWifi("TestAP", NEW_PSK))

    assert WifiJoined("TestAP", "10.42.1.10", "Connected to TestAP.") == joined
    assert [
        WifiStep.CONNECTING,
        WifiStep.AUTHENTICATING,
        WifiStep.GETTING_ADDRESS,
        WifiStep.CHECKING_INTERNET,
    ] == steps(told)
    (new,) = [each for each in street.profiles.values() if each.ssid == NEW]
    assert (1, False, NEW_PSK) == (new.saved, new.volatile, new.psk)
    assert new.settings["connection"]["autoconnect"].value
    assert home in street.profiles
    assert (ACTIVATED, 0) == street.history[-1]


@pytest.mark.parametrize("agent", [True, False])
def test_a_wrong_wpa2_password_is_said_and_the_old_network_is_back(
    home: str, wifi: NetworkManagerWifi, street: Street, agent: bool
) -> None:
    """need-auth 8, failed 7: no bad profile is left, and home is on again when it is answered."""
    street.supplicant = agent

    told, error = join(wifi, JoinWifi("TestAP", WRONG))

    assert isinstance(error, WifiRefused)
    assert WifiReason.WRONG_PASSWORD == error.reason
    assert "The password for TestAP is wrong. The box is back on HomeAP." == str(error)
    assert WifiStep.FAILED == told[-1].step and WifiReason.WRONG_PASSWORD == told[-1].reason
    assert [HOME] == street.names()
    assert (ACTIVATED, 0) == street.history[-1]


def test_a_wrong_wpa3_password_is_told_apart_at_once(
    home: str, wifi: NetworkManagerWifi, street: Street
) -> None:
    """Three refusals from wpa_supplicant are enough; NetworkManager would take half a minute."""
    street.networks.append(Network(b"Wpa3AP", NEW_PSK, rsn=SAE))
    street.hints, street.stuck_at = 5, 0

    _, error = join(wifi, JoinWifi("Wpa3AP", WRONG))

    assert isinstance(error, WifiRefused)
    assert WifiReason.WRONG_PASSWORD == error.reason
    assert "back on HomeAP" in str(error)
    assert (FAILED, 53) not in street.history
    assert "deactivate" in street.calls


def test_a_wrong_wpa3_password_without_hints_is_told_apart_by_the_scan(
    home: str, wifi: NetworkManagerWifi, street: Street
) -> None:
    """Failed 53 of a WPA3 network that was heard a moment ago is its password."""
    street.networks.append(Network(b"Wpa3AP", NEW_PSK, rsn=SAE))

    _, error = join(wifi, JoinWifi("Wpa3AP", WRONG))

    assert isinstance(error, WifiRefused)
    assert WifiReason.WRONG_PASSWORD == error.reason
    assert (FAILED, 53) in street.history


def test_the_right_wpa3_password_is_joined(
    home: str, wifi: NetworkManagerWifi, street: Street
) -> None:
    """With WPA3's own key management."""
    street.networks.append(Network(b"Wpa3AP", NEW_PSK, rsn=SAE))

    _, joined = join(wifi, JoinWifi("Wpa3AP", NEW_PSK))

    assert isinstance(joined, WifiJoined)
    (new,) = [each for each in street.profiles.values() if each.ssid == b"Wpa3AP"]
    assert "sae" == new.settings["802-11-wireless-security"]["key-mgmt"].value


def test_an_absent_network_costs_one_scan_and_no_connection(
    home: str, wifi: NetworkManagerWifi, street: Street
) -> None:
    """Home is not even left."""
    told, error = join(wifi, JoinWifi("NoSuchAP", "whatever1"))

    assert isinstance(error, WifiRefused)
    assert (WifiReason.NOT_FOUND, [WifiStep.SCANNING]) == (error.reason, steps(told))
    assert (1, []) == (street.scans, street.history)


def test_an_absent_hidden_network_is_tried_and_not_found(
    home: str, wifi: NetworkManagerWifi, street: Street
) -> None:
    """Failed 53 of a network that nobody heard is an absent one."""
    _, error = join(wifi, JoinWifi("NoSuchAP", "whatever1", hidden=True))

    assert isinstance(error, WifiRefused)
    assert WifiReason.NOT_FOUND == error.reason
    assert (FAILED, 53) in street.history
    assert "back on HomeAP" in str(error)


def test_a_hidden_network_is_joined(home: str, wifi: NetworkManagerWifi, street: Street) -> None:
    """It is asked for by name."""
    street.networks.append(Network(b"Cellar", NEW_PSK, hidden=True))

    _, joined = join(wifi, JoinWifi("Cellar", NEW_PSK, hidden=True))

    assert isinstance(joined, WifiJoined)
    assert b"Cellar" in street.names()


def test_a_router_without_addresses_is_said(
    home: str, wifi: NetworkManagerWifi, street: Street
) -> None:
    """ip-config, failed 5: the password is right, and home is back."""
    street.networks[1].address = ""

    told, error = join(wifi, JoinWifi("TestAP", NEW_PSK))

    assert isinstance(error, WifiUnanswered)
    assert WifiReason.NO_ADDRESS == error.reason
    assert WifiStep.GETTING_ADDRESS in steps(told)
    assert [HOME] == street.names()


def test_an_access_point_that_vanishes_while_joining_is_said(
    home: str, wifi: NetworkManagerWifi, street: Street
) -> None:
    """Failed 53 of a WPA2 network that was heard a moment ago is one that has gone."""
    street.networks[1].gone_while_joining = True

    _, error = join(wifi, JoinWifi("TestAP", NEW_PSK))

    assert isinstance(error, WifiUnanswered)
    assert WifiReason.VANISHED == error.reason


def test_an_access_point_that_vanishes_later_is_seen(
    home: str, wifi: NetworkManagerWifi, street: Street, start: Callable[[], Services]
) -> None:
    """A look says that the box is on no network, and why."""
    assert "HomeAP" == wifi.look().connected
    street.networks[0].in_range = False
    street.state, street.reason = FAILED, 53

    state = wifi.look()

    assert (None, "The network is out of range.") == (state.connected, state.message)


def test_a_box_without_a_network_goes_back_to_none(
    start: Callable[[], Services], wifi: NetworkManagerWifi, street: Street
) -> None:
    """There is nothing to go back to, and nothing is left behind."""
    start()

    _, error = join(wifi, JoinWifi("TestAP", WRONG))

    assert "The password for TestAP is wrong. The box is on no Wi-Fi, as before." == str(error)
    assert [] == street.names()


def test_a_profile_that_cannot_be_stored_is_no_success(
    home: str, wifi: NetworkManagerWifi, street: Street
) -> None:
    """A read-only disk: the box goes back to what will still be there tomorrow."""
    street.save_error = f"read-only file system, {NEW_PSK}"

    _, error = join(wifi, JoinWifi("TestAP", NEW_PSK))

    assert "cannot store it" in str(error) and "back on HomeAP" in str(error)
    assert NEW_PSK not in str(error)
    assert [HOME] == street.names()


def test_a_second_password_replaces_our_own_profile_and_no_other(
    home: str, wifi: NetworkManagerWifi, street: Street
) -> None:
    """One profile a network, however often it is joined; what others stored stays."""
    join(wifi, JoinWifi("TestAP", NEW_PSK))
    join(wifi, JoinWifi("TestAP", NEW_PSK))

    join(wifi, JoinWifi("HomeAP", HOME_PSK))

    assert [HOME, HOME, NEW] == street.names()
    assert home in street.profiles


def test_an_open_network_needs_no_password(
    home: str, wifi: NetworkManagerWifi, street: Street
) -> None:
    """And is joined without one."""
    street.networks.append(Network(b"Cafe", rsn=0, privacy=False))

    _, joined = join(wifi, JoinWifi("Cafe"))

    assert isinstance(joined, WifiJoined)


def test_internet_is_judged_where_networkmanager_looks(
    home: str, wifi: NetworkManagerWifi, street: Street
) -> None:
    """Joined all the same; the words say what is missing."""
    street.connectivity_enabled, street.connectivity = True, 3

    _, joined = join(wifi, JoinWifi("TestAP", NEW_PSK))

    assert isinstance(joined, WifiJoined)
    assert WifiReason.NO_INTERNET == joined.reason
    assert "no internet" in joined.message


def test_a_scan_lists_the_street(home: str, wifi: NetworkManagerWifi, street: Street) -> None:
    """Once each, strongest first, with what is stored and what is connected."""
    street.networks += [
        Network(NEW, NEW_PSK, strength=95),
        Network(b"caf\xe9", NEW_PSK, rsn=SAE, strength=30),
        Network(b"Cafe", rsn=0, privacy=False, strength=20),
    ]

    state = wifi.scan()

    assert [
        ("TestAP", 95, Security.WPA2, False),
        ("HomeAP", 80, Security.WPA2, True),
        ("caf\\xe9", 30, Security.WPA3, False),
        ("Cafe", 20, Security.OPEN, False),
    ] == [(each.ssid, each.signal_percent, each.security, each.saved) for each in state.networks]
    assert "HomeAP" == state.connected
    assert 1 == street.scans


def test_a_name_that_is_no_text_is_joined_as_it_is_listed(
    home: str, wifi: NetworkManagerWifi, street: Street
) -> None:
    """The bytes are those of the scan."""
    street.networks.append(Network(b"caf\xe9", NEW_PSK))

    _, joined = join(wifi, JoinWifi("caf\\xe9", NEW_PSK))

    assert isinstance(joined, WifiJoined)
    assert b"caf\xe9" in street.names()


def test_a_network_is_forgotten(home: str, wifi: NetworkManagerWifi, street: Street) -> None:
    """All that is stored for it, and nothing else."""
    join(wifi, JoinWifi("TestAP", NEW_PSK))

    assert (1, 0) == (wifi.forget("TestAP"), wifi.forget("Attic"))
    assert [HOME] == street.names()


def test_no_password_is_ever_shown(
    home: str, wifi: NetworkManagerWifi, street: Street, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in what is logged, nor in what is told, nor in what is looked at."""
    caplog.set_level("DEBUG")

    shown = [join(wifi, JoinWifi("TestAP", psk)) for psk in (WRONG, NEW_PSK)]

    everything = f"{shown} {wifi.look()} {caplog.text}"
    assert [] == [psk for psk in (WRONG, NEW_PSK, HOME_PSK) if psk in everything]


def test_a_box_without_networkmanager_says_so(wifi: NetworkManagerWifi) -> None:
    """The bus is there, the service is not."""
    with pytest.raises(WifiUnavailable, match="NetworkManager does not run"):
        wifi.look()


@pytest.mark.parametrize(
    ("types", "state", "words"),
    [
        ((1,), 30, "no Wi-Fi adapter"),
        ((1, 2), UNAVAILABLE, "switched off"),
        ((1, 2), UNMANAGED, "leave the Wi-Fi adapter alone"),
    ],
)
def test_an_adapter_that_cannot_be_used_is_said(
    start: Callable[[], Services],
    wifi: NetworkManagerWifi,
    street: Street,
    types: tuple[int, ...],
    state: int,
    words: str,
) -> None:
    """Each in its words."""
    street.device_types, street.state = types, state
    start()

    with pytest.raises(WifiUnavailable, match=words):
        wifi.look()


def test_no_bus_at_all_is_said(tmp_path: Path) -> None:
    """A container that was given none."""
    wifi = NetworkManagerWifi(SystemClock("always"), f"unix:path={tmp_path}/none")

    with pytest.raises(WifiUnavailable, match="no message bus"):
        wifi.look()


def test_networkmanager_that_ends_while_joining_is_said(
    home: str, wifi: NetworkManagerWifi, street: Street
) -> None:
    """Nothing hangs: an attempt that is broken off ends with an error in words."""
    street.stuck_at = CONFIG
    attempt = wifi.join(JoinWifi("TestAP", NEW_PSK))
    assert WifiStep.CONNECTING == attempt.advance().step  # type: ignore[union-attr]  # A step.
    attempt.abort()

    with pytest.raises(WifiUnavailable, match="broken off"):
        attempt.advance()


# -- the gateway as a whole --------------------------------------------------------------------


@pytest.fixture
def gateway(children: Children, bus: str, tmp_path: Path) -> Callable[[], Program]:
    """Starts a gateway on that bus."""

    def start() -> Program:
        settings = {"DBUS_SYSTEM_BUS_ADDRESS": bus, "EGRET_LOG_LEVEL": "DEBUG"}
        return children.keep(start_gateway(tmp_path / "data", settings=settings))

    return start


def ask(program: Program, method: str, path: str, body: object = None) -> Any:
    """Status and answer of one request."""
    url = f"{program.url}{path}"
    answer = requests.request(method, url, json=body, timeout=ANSWER_TIMEOUT_S)
    return answer.status_code, answer.json()


def test_a_box_is_brought_into_another_network_over_http(
    home: str, street: Street, gateway: Callable[[], Program]
) -> None:
    """Scanned, mistyped, typed right, followed, listed, forgotten; no password is ever shown."""
    box = gateway()
    seen = [ask(box, "GET", "/api/wifi/scan")]
    seen.append(ask(box, "POST", "/api/wifi", {"ssid": "TestAP", "psk": WRONG}))
    seen.append(ask(box, "GET", "/api/wifi/progress"))
    seen.append(ask(box, "POST", "/api/wifi", {"ssid": "TestAP", "psk": NEW_PSK}))
    seen.append(ask(box, "GET", "/api/wifi/progress"))
    assert "TestAP" == box.get("/api/wifi")["connected"]
    wait_until(
        lambda: len(box.get("/api/network")["connections"]) == 2, ANSWER_TIMEOUT_S, "profile"
    )
    seen.append(ask(box, "GET", "/api/network"))
    seen.append(ask(box, "DELETE", "/api/wifi", {"ssid": "TestAP"}))
    box.stop()

    scanned, wrong, after_wrong, right, after_right, network, forgotten = seen
    assert {"HomeAP", "TestAP"} == set(scanned[1]["ssids"])
    assert (422, "wrong_password") == (wrong[0], wrong[1]["reason"])
    assert wrong[1]["message"].endswith("The box is back on HomeAP.")
    assert ("failed", "wrong_password") == (after_wrong[1]["step"], after_wrong[1]["reason"])
    assert (200, "ok", "10.42.1.10") == (right[0], right[1]["status"], right[1]["ip"])
    assert "connected" == after_right[1]["step"]
    assert ["HomeAP", "TestAP"] == [e["connection"]["id"] for e in network[1]["connections"]]
    assert (200, 1) == (forgotten[0], forgotten[1]["forgotten"])
    assert [HOME] == street.names()
    shown = f"{seen} {box.output()}"
    assert [] == [psk for psk in (WRONG, NEW_PSK, HOME_PSK) if psk in shown]


def test_a_gateway_that_dies_midway_leaves_nothing_behind(
    home: str, street: Street, start: Callable[[], Services], gateway: Callable[[], Program]
) -> None:
    """The profile is volatile: NetworkManager finishes alone, and goes home."""
    street.stuck_at = CONFIG
    box = gateway()
    ask(box, "POST", "/api/wifi", {"ssid": "TestAP", "psk": WRONG, "wait": False})
    wait_until(lambda: (CONFIG, 0) in street.history, ANSWER_TIMEOUT_S, "attempt")

    box.kill()
    street.stuck_at = 0
    start().do(start().machine.give_up)

    wait_until(lambda: street.state == ACTIVATED, ANSWER_TIMEOUT_S, "way home")
    assert [HOME] == street.names()


def test_a_gateway_stops_while_it_joins(
    home: str, street: Street, gateway: Callable[[], Program]
) -> None:
    """Within the time that a stop may take, whatever the network does."""
    street.stuck_at = CONFIG
    box = gateway()
    ask(box, "POST", "/api/wifi", {"ssid": "TestAP", "psk": NEW_PSK, "wait": False})
    wait_until(lambda: (CONFIG, 0) in street.history, ANSWER_TIMEOUT_S, "attempt")

    assert 0 == box.stop()
