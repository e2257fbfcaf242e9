"""The virtual plant as others use it: in a block, on a free port, read by a real client."""

import asyncio
import socket
from functools import partial

import pytest
from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusException

from simulator import doors as doors_module
from simulator.clock import ManualClock, monotonic_s
from simulator.doors import CLOSE_TIMEOUT_S, DEFAULT_PORTS, CannotOpenError, OpenDoor, Ports
from simulator.models import MODELS
from simulator.plant import LEAP_SLICE_S, VirtualPlant
from simulator.trouble import MAX_TROUBLE_S, Order, Quirk, Trouble
from simulator_unit_test.waiting import until

NOON_S = 1_782_043_200.0


class Reader:
    """A client of another make, so that our own framing is not its own judge."""

    def __init__(self, plant: VirtualPlant) -> None:
        self._client = ModbusTcpClient(plant.host, port=plant.port, timeout=10, retries=0)

    def __enter__(self) -> "Reader":
        self._client.connect()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()  # type: ignore[no-untyped-call]

    def words(self, at: int, count: int, unit: int = 1) -> list[int]:
        """Input registers by document address."""
        reply = self._client.read_input_registers(at - 1, count=count, device_id=unit)
        return list(reply.registers)

    def s32(self, at: int) -> int:
        low, high = self.words(at, 2)
        value = high << 16 | low
        return value - (1 << 32) if value >> 31 else value

    def write(self, at: int, *words: int) -> bool:
        reply = self._client.write_registers(at - 1, list(words), device_id=1)
        return not reply.isError()


@pytest.mark.parametrize("model", MODELS)
def test_every_model_answers(model: str) -> None:
    """Each model tells its type code and serial to a real client."""
    with VirtualPlant(model, clock=ManualClock(NOON_S), serial="A2299999999") as plant:
        with Reader(plant) as reader:
            code = reader.words(5000, 1)
            serial = b"".join(word.to_bytes(2, "big") for word in reader.words(4990, 10))

    assert ([MODELS[model].type_code], b"A2299999999") == (code, serial.rstrip(b"\0"))


def test_registers_are_the_truth() -> None:
    """What a client reads is what the plant knows, and it balances."""
    with VirtualPlant(clock=ManualClock(NOON_S), seed=3) as plant, Reader(plant) as reader:
        truth = plant.truth()
        read = {
            "pv_power": reader.s32(5017),
            "battery_power": reader.s32(5214),
            "grid_power": reader.s32(5601),
            "load_power": reader.s32(13008),
        }

    assert {name: truth[name] for name in read} == read
    assert read["pv_power"] + read["battery_power"] + read["grid_power"] == read["load_power"]


def test_energies_of_the_truth_are_in_watt_hours() -> None:
    """Totals in Wh agree with the registers in tenths of kWh."""
    with VirtualPlant(clock=ManualClock(NOON_S), seed=3) as plant, Reader(plant) as reader:
        truth_wh, tenths = plant.truth()["pv_energy_total"], reader.s32(13003)

    assert truth_wh / 100 == pytest.approx(tenths, abs=0.51)


def test_orders_reach_the_physics() -> None:
    """A forced discharge that a client writes is what the battery does from the next step on."""
    clock = ManualClock(NOON_S + 12 * 3600)
    with VirtualPlant(clock=clock) as plant, Reader(plant) as reader:
        written = reader.write(13050, 2, 0xBB, 1500)
        clock.advance(5)
        power_w = plant.truth()["battery_power"]

    assert (True, 1500) == (written, power_w)


def test_two_plants_of_one_seed() -> None:
    """Same seed, same start: same serial, same truth. Another seed: another box."""
    first, second = (VirtualPlant(seed=5, clock=ManualClock(NOON_S)) for _ in range(2))
    other = VirtualPlant(seed=6, clock=ManualClock(NOON_S))

    assert (first.serial, first.truth()) == (second.serial, second.truth())
    assert first.serial != other.serial


def test_speed_does_not_change_the_run() -> None:
    """A plant that ran fast to a moment is the plant that walked there."""
    fast_clock, slow_clock = ManualClock(NOON_S), ManualClock(NOON_S)
    fast, slow = (VirtualPlant(seed=7, clock=clock) for clock in (fast_clock, slow_clock))

    fast_clock.advance(600)
    for _ in range(2400):
        slow_clock.advance(0.25)
        slow.moment()

    assert fast.truth() == slow.truth()


def test_requests_are_counted() -> None:
    """Answers and refusals both count."""
    with VirtualPlant(clock=ManualClock(NOON_S)) as plant, Reader(plant) as reader:
        reader.words(5000, 1)
        reader.write(1, 1)

        assert 2 == plant.requests


def test_port_in_use() -> None:
    """A port that cannot be had is an error of the caller's thread."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        with pytest.raises(OSError):
            VirtualPlant(port=other.getsockname()[1]).start()


def test_a_plant_that_drops_off_and_returns() -> None:
    """Stopped and started again it has the same address and the same registers."""
    plant = VirtualPlant(clock=ManualClock(NOON_S)).start()
    before = plant.address
    with Reader(plant) as reader:
        code = reader.words(5000, 1)
    plant.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((plant.host, plant.port), timeout=10)

    plant.start()
    with Reader(plant) as reader:
        again = reader.words(5000, 1)
    plant.stop()

    assert (before, code) == (plant.address, again)


def test_stop_drops_clients_and_may_be_repeated() -> None:
    """Stopping closes every connection, and stopping twice is no error."""
    plant = VirtualPlant(clock=ManualClock(NOON_S)).start()
    with socket.create_connection((plant.host, plant.port), timeout=10) as client:
        client.sendall(bytes.fromhex("0001 0000 0006 01 04 1387 0001"))
        client.recv(100)
        plant.stop()
        plant.stop()

        assert b"" == client.recv(100)


def test_without_a_modbus_door() -> None:
    """A plant has the doors it is given; its old address is that of the Modbus door."""
    plant = VirtualPlant(doors={}, clock=ManualClock(NOON_S))

    with plant:
        doors = plant.doors

    assert {} == doors
    with pytest.raises(ValueError, match="no modbus door"):
        plant.address  # noqa: B018 - looking is what is tested


def test_doors_by_name() -> None:
    """Doors are told with their real addresses, and the Modbus one is the plant's."""
    with VirtualPlant(doors={"modbus": 0}, quirks=[Quirk.PADDED_FRAME]) as plant:
        assert {"modbus": plant.address} == plant.doors
        assert (Quirk.PADDED_FRAME,) == plant.troubles.quirks()


def test_battery_is_a_unit_of_its_own() -> None:
    """Unit 200 tells the charge that the inverter tells."""
    with VirtualPlant(clock=ManualClock(NOON_S)) as plant, Reader(plant) as reader:
        inverter = reader.words(13023, 1)
        battery = reader.words(10744, 1, unit=200)

    assert inverter == battery


def is_there(plant: VirtualPlant) -> bool:
    try:
        with Reader(plant) as reader:
            return bool(reader.words(5000, 1))
    except ModbusException:
        return False


def answers(plant: VirtualPlant, wanted: bool) -> bool:
    """Whether it is there, or is not, as wanted."""
    return is_there(plant) is wanted


def test_a_plant_that_is_gone_at_night() -> None:
    """Configured so, it leaves the network when the sun does, and returns where it was."""
    clock = ManualClock(NOON_S)
    with VirtualPlant(clock=clock) as plant:
        plant.behave(night="gone")
        address, seen = plant.address, [is_there(plant)]
        for expected in (False, True):
            clock.advance(12 * 3600)
            until(partial(answers, plant, expected))
            seen.append(is_there(plant))

    assert ([True, False, True], address) == (seen, plant.address)


def open_ports(plant: VirtualPlant) -> list[bool]:
    """Which of the plant's ports takes a connection, door by door."""
    found = []
    for address in plant.doors.values():
        host, *ports = address.split(":")
        for port in ports:
            try:
                socket.create_connection((host, int(port)), timeout=10).close()
                found.append(True)
            except ConnectionError:
                found.append(False)
    return found


def stands(plant: VirtualPlant, wanted: bool) -> bool:
    """Whether all of its ports are open, or none, as wanted."""
    return set(open_ports(plant)) == {wanted}


def test_all_doors_come_and_go_together() -> None:
    """Every door that there is opens at a free port, leaves for the night and returns there."""
    clock = ManualClock(NOON_S)
    asked: dict[str, Ports] = {name: (0,) * len(ports) for name, ports in DEFAULT_PORTS.items()}
    with VirtualPlant(doors=asked, clock=clock) as plant:
        plant.behave(night="gone")
        before, seen = plant.doors, [all(open_ports(plant))]
        for wanted in (False, True):
            plant.advance(12 * 3600)
            until(partial(stands, plant, wanted))
            seen.append(all(open_ports(plant)))
        after = plant.doors

    assert ([True, False, True], before) == (seen, after)
    assert not any(open_ports(plant))


@pytest.mark.parametrize("trouble", [Trouble.LATENCY, Trouble.SLOW_DRIP, Trouble.LATE_REPLY])
def test_stopping_waits_for_no_trouble(trouble: Trouble) -> None:
    """A plant stops at once, however long an answer still has to come."""
    plant = VirtualPlant(clock=ManualClock(NOON_S)).start()
    plant.troubles.set(Order(trouble, value=MAX_TROUBLE_S))
    with socket.create_connection((plant.host, plant.port), timeout=10) as client:
        client.sendall(bytes.fromhex("0001 0000 0006 01 04 1387 0001"))
        until(lambda: plant.requests > 0)
        began_s = monotonic_s()
        plant.stop()

    assert monotonic_s() - began_s < CLOSE_TIMEOUT_S


class StuckDoor:
    """A door that opens and never closes."""

    name = "stuck"

    async def open(self, host: str, port: int) -> int:
        return 1

    async def close(self) -> None:
        await asyncio.Event().wait()


def test_a_stuck_door_keeps_nobody_open(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One door that does not close is told of and left; the others close, and the plant stops."""
    monkeypatch.setattr(doors_module, "CLOSE_TIMEOUT_S", 0.05)
    plant = VirtualPlant(clock=ManualClock(NOON_S))
    plant._doors.add(OpenDoor(StuckDoor(), "127.0.0.1", (1,)))

    with plant:
        address = (plant.host, plant.port)

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=10)
    assert ["a door does not close"] == [record.message for record in caplog.records]


def test_open_all_or_none() -> None:
    """When one port is taken, the doors that were open already are closed again."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        plant = VirtualPlant(doors={"modbus": 0, "encrypted": taken})
        with pytest.raises(CannotOpenError) as refused:
            plant.start()

    assert ("encrypted", (taken,)) == (refused.value.door, refused.value.ports)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((plant.host, plant.port), timeout=10)


def test_a_port_that_is_taken_meanwhile_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """A device that cannot come back tries on in silence, and comes when its port is free."""
    plant = VirtualPlant(clock=ManualClock(NOON_S))
    with plant:
        port = plant.port
    with socket.create_server(("127.0.0.1", port)), caplog.at_level("INFO"):
        back = [asyncio.run(plant._come_and_go(False)) for _ in range(3)]

    assert [False] * 3 == back
    assert ["port taken"] == [record.message for record in caplog.records]


def test_leaps() -> None:
    """A leap is the same as waiting, and time never goes back."""
    leaping, waiting = (VirtualPlant(seed=7, clock=ManualClock(NOON_S)) for _ in range(2))

    leaping.advance(LEAP_SLICE_S * 2.5)
    waiting.advance(LEAP_SLICE_S)
    waiting.advance(LEAP_SLICE_S * 1.5)

    assert leaping.truth() == waiting.truth()
    with pytest.raises(ValueError, match="never goes back"):
        leaping.advance(-1)


def test_real_time_runs() -> None:
    """Without a clock of the test's own, the plant starts where it is told."""
    plant = VirtualPlant(start_s=NOON_S, speed=1e-6)

    assert NOON_S == plant.truth()["time_s"]
