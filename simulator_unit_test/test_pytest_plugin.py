"""The pytest plugin, used as a stranger would: by its name, in a test run of its own."""

import socket

import pytest
from pymodbus.client import ModbusTcpClient

from simulator.clock import ManualClock
from simulator.pytest_plugin import SOLAR_NOON_S, PlantUnderTest

pytest_plugins = ["pytester"]

STRANGER = """
pytest_plugins = ["simulator.pytest_plugin"]

def test_it(virtual_plant):
    plant = virtual_plant("sg5.0rt", seed=3)
    other = virtual_plant("sh10rt")
    ports = {plant.connection().port, other.connection("modbus").port}
    assert len(ports - {0}) == 2
    assert plant.connection().model == "SG5.0RT"
"""


def read_one(plant: PlantUnderTest, at: int) -> int:
    """One input register by document address, through a real client."""
    door = plant.connection("modbus")
    client = ModbusTcpClient(door.host, port=door.port, timeout=10, retries=0)
    try:
        client.connect()  # type: ignore[no-untyped-call]
        answer = client.read_input_registers(at - 1, count=1, device_id=door.unit_id)
        return int(answer.registers[0])
    finally:
        client.close()  # type: ignore[no-untyped-call]


def test_a_stranger_gets_it_by_its_name(pytester: pytest.Pytester) -> None:
    """One line in a test module brings the fixture; plants end with the test."""
    pytester.makepyfile(STRANGER)

    outcome = pytester.runpytest_inprocess("-p", "no:cacheprovider")

    outcome.assert_outcomes(passed=1)


def test_a_door_is_told_with_all_a_client_needs() -> None:
    """The connection names host, port, unit, serial, model and type code; the port answers."""
    with PlantUnderTest("sh10rt", serial="A2299999999") as plant:
        door = plant.connection("modbus")
        code = read_one(plant, 5000)

    assert ("127.0.0.1", 1, "A2299999999", "SH10RT", None, 0x0E03) == (
        door.host,
        door.unit_id,
        door.serial,
        door.model,
        door.websocket_port,
        code,
    )
    assert (door.type_code, f"127.0.0.1:{door.port}") == (code, door.address)


def test_a_unit_of_its_own_is_told() -> None:
    """On the inverter's own port; behind a dongle it is always 1."""
    with PlantUnderTest("sg5.0rt", doors=["modbus", "winet"], unit_id=7) as plant:
        units = [plant.connection(door).unit_id for door in ("modbus", "winet")]
        code = read_one(plant, 5000)
        words = [plant.words(5000, 1, door=door) for door in ("modbus", "winet")]

    assert ([7, 1], [[code]] * 2) == (units, words)


def test_a_clock_of_the_tests_own_is_the_plants() -> None:
    """`advance` moves the clock that was handed over."""
    clock = ManualClock(SOLAR_NOON_S)
    plant = PlantUnderTest(clock=clock)
    plant.advance(60)

    assert SOLAR_NOON_S + 60 == clock.now_s() == plant.truth()["time_s"]


def test_an_ipv6_door_has_a_plain_host() -> None:
    """Its brackets belong to the address, not to the host."""
    door = PlantUnderTest(doors=["winet"], host="::1").connection("winet")

    assert ("::1", "[::1]:0:0") == (door.host, door.address)


def test_a_door_that_is_not_there_is_named() -> None:
    """Asking for a door that was not opened says which there are."""
    with PlantUnderTest() as plant, pytest.raises(KeyError, match="has: modbus"):
        plant.connection("winet")


def test_time_stands_still_until_told() -> None:
    """What is read equals the truth however late, and moves with `advance`."""
    with PlantUnderTest() as plant:
        before = plant.truth()
        read = read_one(plant, 5017)
        plant.advance(6 * 3600)
        after = plant.truth()

    assert before["pv_power"] == read
    assert before["time_s"] + 6 * 3600 == after["time_s"]
    assert before["pv_power"] != after["pv_power"]


def test_words_are_those_of_the_wire() -> None:
    """`words` shows the registers as the door sends them."""
    with PlantUnderTest() as plant:
        shown, read = plant.words(5000, 1), read_one(plant, 5000)

    assert [read] == shown


def test_trouble_comes_and_goes() -> None:
    """A trouble is set and cleared by its id, a quirk switched on and off."""
    with PlantUnderTest(quirks=["zero-in-block"]) as plant:
        number = plant.misbehave("exception", value=4)
        ordered = [order.value for order in plant.plant.troubles.orders().values()]
        plant.behave(number)
        plant.quirk("zero-in-block", on=False)

        assert [4] == ordered
        assert ({}, ()) == (plant.plant.troubles.orders(), plant.plant.troubles.quirks())


def test_it_returns_at_its_address() -> None:
    """Stopped it refuses connections; started again it is where it was."""
    with PlantUnderTest() as plant:
        door = plant.connection()
        plant.stop()
        with pytest.raises(OSError):
            socket.create_connection((door.host, door.port), timeout=1)
        plant.start()

        assert (door, 0x0E03) == (plant.connection(), read_one(plant, 5000))
