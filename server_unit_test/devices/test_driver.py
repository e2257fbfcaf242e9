"""One device is read by its profile, whatever it refuses."""

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.devices import driver as module
from server.devices.driver import Driver, Paused, Polled
from server.devices.profile import Profile, load_profiles
from server.errors import (
    DeviceTimeout,
    EgretError,
    LinkClosed,
    ProtocolError,
    RegisterRefused,
)
from server.model.device import Space
from server.model.quantity import QUANTITIES, Kind
from server.model.snapshot import Refusal
from server.transports.modbus_tcp import ModbusTcp
from server_unit_test.contracts.fake_transport import FakeTransport
from server_unit_test.devices.recorded import Recorded, recorded
from server_unit_test.transports.scripted_server import ScriptedServer, frame

PROFILES = load_profiles().profiles
INPUT = Space.INPUT
HEAD = """
name = "acme"
maker = "Acme"
title = "Acme inverter"
document = "Acme manual"
"""


def never() -> bool:
    """Nothing waits for this lane."""
    return False


def polled(driver: Driver, device: FakeTransport, now_ms: int = 0) -> Polled:
    """One poll, from beginning to end."""
    result = driver.poll(device, never, None, now_ms)
    assert isinstance(result, Polled)
    return result


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Profile:
    """Thirty registers from 100 on: even ones in use, odd ones holes; 200 to 205 all in use."""
    folder = tmp_path_factory.mktemp("profiles")
    addresses = [*range(100, 160, 2), *range(200, 206)]
    units = ("Wh", "W", "V", "A")
    names = [
        name
        for name, quantity in QUANTITIES.items()
        if quantity.unit in units and quantity.kind is not Kind.IDENTITY
    ]
    lines = [
        f'{{ at = {at}, as = "u16", unit = "{QUANTITIES[name].unit}", is = "{name}" }},'
        for at, name in zip(addresses, names, strict=False)
    ]
    (folder / "acme.toml").write_text(
        HEAD + "[registers]\ninput = [\n" + "\n".join(lines) + "\n]\n", encoding="utf-8"
    )
    loaded = load_profiles(folder)
    assert () == loaded.problems
    return loaded.profiles["acme"]


@pytest.fixture
def device() -> FakeTransport:
    """Serves every address that acme has, and the holes between, each with its own address."""
    return FakeTransport({address: address for address in range(100, 206)})


@pytest.mark.parametrize("each", recorded(), ids=lambda each: each.name)
def test_recorded_devices_read_as_a_person_would(each: Recorded) -> None:
    """Every value of a recorded device, and no value that it does not have."""
    driver = Driver(PROFILES[each.identity["profile"]], each.unit_id)
    device = each.device()
    polled(driver, device)

    result = polled(driver, device)

    serial = {"serial": each.expect["serial"]} if "serial" in each.expect else {}
    assert dict(each.expect) == {**result.values, **serial}
    assert {type(value) for value in each.expect.values()} <= {int, float, str}


@pytest.mark.parametrize("each", recorded(), ids=lambda each: each.name)
def test_recorded_devices_say_who_they_are(each: Recorded) -> None:
    """Serial, type code and model as recorded."""
    identity = Driver(PROFILES[each.identity["profile"]], each.unit_id).identify(each.device())

    found = {key: getattr(identity, key) for key in each.identity if key != "verified"}
    assert {key: value for key, value in each.identity.items() if key != "verified"} == found


@pytest.mark.parametrize("each", recorded(), ids=lambda each: each.name)
def test_words_are_those_of_the_device(each: Recorded) -> None:
    """Raw words stand at the wire address they were read from; unavailable ones are absent."""
    driver = Driver(PROFILES[each.identity["profile"]], each.unit_id)

    words = polled(driver, each.device()).words

    assert dict(words) == {address: each.input[address] for address in words}
    assert 0x0E28 not in words.values() or 4999 in words


def test_the_vendors_frames_give_the_vendors_values() -> None:
    """The two examples of the Sungrow hybrid protocol V1.1.16, from frame bytes to values."""
    answers = {
        bytes.fromhex("041387000A"): bytes.fromhex("0E2800FA0001035C2BF6000B0000000001A90000"),
        bytes.fromhex("0432C70002"): bytes.fromhex("4000000D"),
    }

    def script(request: bytes) -> tuple[bytes]:
        data = answers.get(request[7:12])
        if data is None:
            return (frame(request, b"\2", function=0x84),)
        return (frame(request, bytes([len(data)]) + data),)

    class Examples:
        """Asks for exactly the registers of the two examples."""

        def __init__(self, transport: ModbusTcp) -> None:
            self._words: dict[int, int] = {}
            for address, count in ((0x1387, 10), (0x32C7, 2)):
                words = transport.read(1, INPUT, address, count)
                self._words.update(enumerate(words, address))

        def read(self, unit_id: int, space: Space, address: int, count: int) -> tuple[int, ...]:
            try:
                return tuple(self._words[each] for each in range(address, address + count))
            except KeyError:
                raise RegisterRefused(2, "not in the examples") from None

    with ScriptedServer(script) as server:
        transport = ModbusTcp("127.0.0.1", server.port, timeout_s=1.0)
        examples = Examples(transport)
        transport.close()
    driver = Driver(PROFILES["sungrow_hybrid"], 1)
    driver.poll(examples, never)
    result = driver.poll(examples, never)

    assert isinstance(result, Polled)
    assert {
        "device_type_code": 0x0E28,
        "nominal_power": 25000,
        "output_type": "three phases, four lines",
        "yield_energy_today": 86000,
        "yield_energy": 73215000,
        "temperature": 42.5,
        "work_state": "external energy management",
        "flow_state": "pv,discharging,load",
    } == result.values
    assert "SH25T" == PROFILES["sungrow_hybrid"].models[0x0E28]


def test_holes_are_bridged_and_leave_nothing(acme: Profile, device: FakeTransport) -> None:
    """Two requests read everything, and no word of a hole is kept."""
    result = polled(Driver(acme, 7), device)

    assert [(7, INPUT, 100, 59), (7, INPUT, 200, 6)] == device.requests
    assert {*range(100, 160, 2), *range(200, 206)} == set(result.words)
    assert all(address == word for address, word in result.words.items())


def test_a_refused_register_is_found_and_remembered(acme: Profile, device: FakeTransport) -> None:
    """All others are read in the same poll; the next one asks for it no more."""
    device.refusals[INPUT, 120] = 2
    driver = Driver(acme, 1)

    first = polled(driver, device, now_ms=5)
    device.requests.clear()
    second = polled(driver, device)

    assert (Refusal(INPUT, 120, 1, 2, 5),) == first.refused == second.refused
    assert {*range(100, 160, 2), *range(200, 206)} - {120} == set(first.words)
    assert first.words == second.words
    assert [(100, 19), (122, 37), (200, 6)] == [each[2:] for each in device.requests]


def test_what_was_refused_before_is_not_asked_for(acme: Profile, device: FakeTransport) -> None:
    """A driver takes over what an earlier one found out."""
    device.refusals[INPUT, 120] = 2
    driver = Driver(acme, 1, [Refusal(INPUT, 120, 1, 2, 5)])

    result = polled(driver, device)

    assert 3 == len(device.requests)
    assert (Refusal(INPUT, 120, 1, 2, 5),) == result.refused


def test_a_refused_hole_is_not_bridged_again(acme: Profile, device: FakeTransport) -> None:
    """No register is accused when all of them answer alone: the gap is."""
    device.refusals[INPUT, 121] = 2
    driver = Driver(acme, 1)

    first = polled(driver, device)
    device.requests.clear()
    second = polled(driver, device)

    assert () == first.refused
    assert {*range(100, 160, 2), *range(200, 206)} == set(first.words)
    assert first.words == second.words
    assert [(100, 21), (122, 37), (200, 6)] == [each[2:] for each in device.requests]


@pytest.mark.parametrize("code", [4, 5, 6, 7, 10, 11])
def test_busy_is_no_refusal(acme: Profile, device: FakeTransport, code: int) -> None:
    """A block that the device has no time for is left out once and asked for again."""
    device.refusals[INPUT, 203] = code
    driver = Driver(acme, 1)

    first = polled(driver, device)
    del device.refusals[INPUT, 203]
    second = polled(driver, device)

    assert set(range(100, 160, 2)) == set(first.words)
    assert () == second.refused
    assert 36 == len(second.words)


def test_a_device_that_is_busy_from_the_start(acme: Profile, device: FakeTransport) -> None:
    """When nothing has been read yet the exception is the poll's result."""
    device.faults.append(RegisterRefused(6, "busy"))

    with pytest.raises(RegisterRefused) as caught:
        polled(Driver(acme, 1), device)

    assert 6 == caught.value.code
    assert 1 == len(device.requests)


def test_a_device_that_refuses_everything(acme: Profile) -> None:
    """Nothing is remembered from it: it may be the wrong unit, or not awake."""
    driver = Driver(acme, 1)
    plan = driver.plan

    with pytest.raises(RegisterRefused):
        polled(driver, FakeTransport())

    assert ((), plan) == (driver.refused, driver.plan)


def test_a_closing_device_is_a_refusing_one(acme: Profile, device: FakeTransport) -> None:
    """A firmware that hangs up instead of refusing is split down likewise, with code 0."""
    device.closing.add((INPUT, 120))
    driver = Driver(acme, 1)

    first = polled(driver, device)
    device.requests.clear()
    second = polled(driver, device)

    assert (Refusal(INPUT, 120, 1, module.CLOSED_INSTEAD, 0),) == first.refused
    assert {*range(100, 160, 2), *range(200, 206)} - {120} == set(first.words)
    assert first.words == second.words
    assert 3 == len(device.requests)


def test_a_closing_region_is_found(acme: Profile, device: FakeTransport) -> None:
    """Several neighbours that hang up are all found, while the rest is read."""
    device.closing |= {(INPUT, address) for address in range(200, 206)}
    driver = Driver(acme, 1)

    for _ in range(3):
        result = polled(driver, device)

    assert list(range(200, 206)) == [each.address for each in result.refused]
    assert set(range(100, 160, 2)) == set(result.words)


def test_one_closed_connection_accuses_nobody(acme: Profile, device: FakeTransport) -> None:
    """Once may be chance: the block is asked for again and nothing is remembered."""
    device.faults.append(LinkClosed("closed"))
    driver = Driver(acme, 1)

    result = polled(driver, device)

    assert () == result.refused
    assert 36 == len(result.words)


def test_a_link_that_always_closes_is_dead(acme: Profile, device: FakeTransport) -> None:
    """LinkClosed is raised within MAX_CLOSINGS_IN_A_ROW, and no register is accused."""
    device.closing |= {(INPUT, address) for address in range(100, 206)}
    driver = Driver(acme, 1)

    with pytest.raises(LinkClosed):
        polled(driver, device)

    assert () == driver.refused
    assert len(device.requests) <= module.MAX_CLOSINGS_IN_A_ROW


def test_a_link_that_dies_within_a_poll_accuses_nobody(
    acme: Profile, device: FakeTransport
) -> None:
    """A register is accused only if the device answers something else afterwards."""
    driver = Driver(acme, 1)
    device.faults += [LinkClosed("closed")] * 40
    real = device.read
    answered: list[int] = []

    def read(unit_id: int, space: Space, address: int, count: int) -> tuple[int, ...]:
        if not answered:
            answered.append(address)
            faults, device.faults = device.faults, []
            words = real(unit_id, space, address, count)
            device.faults = faults
            return words
        return real(unit_id, space, address, count)

    device.read = read  # type: ignore[method-assign]

    with pytest.raises(LinkClosed):
        polled(driver, device)

    assert () == driver.refused


@pytest.mark.parametrize("error", [DeviceTimeout("t"), ProtocolError("p")])
def test_what_the_reader_raises_is_raised(
    acme: Profile, device: FakeTransport, error: EgretError
) -> None:
    """Anything that accuses no address is the caller's business."""
    device.faults.append(error)

    with pytest.raises(type(error)):
        polled(Driver(acme, 1), device)


def test_a_poll_gives_way_between_frames(acme: Profile, device: FakeTransport) -> None:
    """It pauses after a frame, and goes on where it was, with what it had read."""
    driver = Driver(acme, 1)

    paused = driver.poll(device, lambda: True)
    assert isinstance(paused, Paused)
    before = len(device.requests)
    result = driver.poll(device, lambda: True, paused)

    assert 1 == before
    assert isinstance(result, Polled)
    assert 2 == len(device.requests)
    assert 36 == len(result.words)


def test_splits_of_one_poll_are_bounded(acme: Profile, device: FakeTransport) -> None:
    """A device with many holes costs MAX_SPLITS_PER_POLL a poll, and is learnt all the same."""
    device.refusals = {(INPUT, address): 2 for address in range(101, 160, 2)}
    driver = Driver(acme, 1)
    requests = []
    for _ in range(4):
        result = polled(driver, device)
        requests.append(len(device.requests))
        device.requests.clear()

    assert max(requests) <= len(driver.plan) + 2 * module.MAX_SPLITS_PER_POLL
    assert 31 == requests[-1]
    assert () == result.refused
    assert 36 == len(result.words)


def test_identity_says_what_it_can() -> None:
    """A device that refuses its serial and type code is served without."""
    identity = Driver(PROFILES["sungrow_hybrid"], 1).identify(FakeTransport({5035: 500}))

    assert ("", None, "Sungrow", False) == (
        identity.serial,
        identity.type_code,
        identity.model,
        identity.verified,
    )


def test_identity_of_a_closing_device_is_an_error() -> None:
    """A link that closes on everything is no device without a name."""
    device = FakeTransport()
    device.closing |= {(INPUT, address) for address in range(0x10000)}

    with pytest.raises(LinkClosed):
        Driver(PROFILES["sungrow_string"], 1).identify(device)


FAULTS: Mapping[str, Callable[[], Exception]] = {
    "timeout": lambda: DeviceTimeout("no answer"),
    "closed": lambda: LinkClosed("closed"),
    "garbled": lambda: ProtocolError("garbled"),
    "busy": lambda: RegisterRefused(6, "busy"),
    "refused": lambda: RegisterRefused(2, "refused"),
}


@given(
    refused=st.frozensets(st.integers(100, 206), max_size=6),
    closing=st.frozensets(st.integers(100, 206), max_size=3),
    faults=st.lists(st.sampled_from(sorted(FAULTS)), max_size=6),
    pauses=st.lists(st.booleans(), max_size=20),
)
def test_no_value_comes_from_another_address(
    acme: Profile,
    refused: frozenset[int],
    closing: frozenset[int],
    faults: list[str],
    pauses: list[bool],
) -> None:
    """Whatever is refused, closed, late or broken off: a word is the one of its own address."""
    device = FakeTransport({address: address for address in range(100, 206)})
    device.refusals = {(INPUT, address): 2 for address in refused}
    device.closing = {(INPUT, address) for address in closing - refused}
    driver = Driver(acme, 1)
    device.faults = [FAULTS[fault]() for fault in faults]
    waiting = iter(pauses)
    paused: Paused | None = None
    for _ in range(40):
        try:
            result = driver.poll(device, lambda: next(waiting, False), paused)
        except EgretError:
            paused = None
            continue
        paused = result if isinstance(result, Paused) else None
        if isinstance(result, Polled):
            assert {address: address for address in result.words} == result.words
            by_quantity = {r.quantity: r.address for r in acme.registers}
            assert {name: by_quantity[name] for name in result.values} == result.values
            assert not set(result.words) & (refused | closing)
