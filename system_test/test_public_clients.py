"""Client libraries that other people published read the plant, and every value is its truth.

They know nothing of us and we nothing of them, so what both agree on is how the devices are. Each
runs as it was published, unchanged, in a throw-away environment that pip fills with pinned
versions, because none can live beside our own pins:

- SungrowModbusTcpClient-jesseklm 0.1.9 swaps `send` and `recv` of pymodbus's client after it has
  been made. pymodbus 3.16 keeps the `send` that its client was made with, so that requests would go
  out unencrypted; with pymodbus 3.6 it works.
- pysungrow 1.1.0 and SungrowModbusWebClient 0.3.2 use what only pymodbus 2 has.
- sungrow-websocket 0.2.2 uses the legacy half of websockets, which ours warns of, and a warning is
  an error in our tests.
- sungrow-http-config 0.2.1, the one that speaks to the newer dongle, needs the first of these.

pymodbus's own client is in our locks and needs no environment. sungrow-modbus (0.1.0a17) needs
Python 3.13, and the tests run on 3.11: not used. GPL libraries stay outside this process.
"""

import json
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pymodbus.client import ModbusTcpClient

from simulator.pytest_plugin import PlantUnderTest
from simulator.winet_sessions import Rules

SCRIPTS = Path(__file__).parent / "public_clients"

INSTALL_TIMEOUT_S = 180.0
"""For pip to fill one environment; five seconds where packages are near."""

CLIENT_TIMEOUT_S = 60.0
"""For one library to read everything."""

EVENING_S = 1_782_068_400.0
"""2026-06-21 19:00: sun, a battery that gives, and neither import nor export."""

MORNING_S = 1_782_021_600.0
"""2026-06-21 06:00: little sun, and the battery gives."""

HTTP = (
    "requests==2.34.2",
    "urllib3==2.8.0",
    "certifi==2026.10.18",
    "idna==3.20",
    "charset-normalizer==3.5.2",
)

PINS: Mapping[str, tuple[str, ...]] = {
    "pymodbus2": (
        "pymodbus==2.5.3",
        "six==1.17.0",
        "pyserial==3.5",
        "pysungrow==1.1.0",
        "SungrowModbusWebClient==0.3.2",
        "websocket-client==1.9.2",
        *HTTP,
    ),
    "pymodbus3": (
        "pymodbus==3.6.9",
        "SungrowModbusTcpClient-jesseklm==0.1.9",
        "pycryptodomex==3.24.2",
    ),
    "websocket": (
        "sungrow-websocket==0.2.2",
        "websockets==12.0",
        "terminaltables==3.1.10",
        "aiohttp==3.14.5",
        "aiohappyeyeballs==2.7.1",
        "aiosignal==1.4.0",
        "attrs==26.1.0",
        "frozenlist==1.8.0",
        "multidict==7.2.1",
        "propcache==0.5.4",
        "yarl==1.25.1",
        "idna==3.20",
        "typing_extensions==4.16.0",
    ),
    "http": (
        "sungrow-http-config==0.2.1",
        "tenacity==9.2.1",
        "pymodbus==3.11.4",
        "SungrowModbusTcpClient-jesseklm==0.1.9",
        "pycryptodomex==3.24.2",
        *HTTP,
    ),
}
"""Environment -> exactly what is in it; nothing else is fetched."""

SPANS = [[4990, 47], [5214, 29], [5601, 40], [13000, 80]]
"""Input registers that a hybrid serves: document address and count."""

Client = Callable[..., Any]


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Client:
    """Run one of the scripts in its environment: `client("websocket", "read_x.py", HOST, PORT)`."""
    folder = tmp_path_factory.mktemp("public-clients")

    def run(name: str, script: str, *arguments: object) -> Any:
        python = folder / name / "bin" / "python"
        if not python.exists():
            _fill(folder / name, python, PINS[name])
        command = [str(python), str(SCRIPTS / script), *map(str, arguments)]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=CLIENT_TIMEOUT_S, cwd=folder
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def _fill(folder: Path, python: Path, pins: tuple[str, ...]) -> None:
    venv.create(folder, with_pip=False)
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    done = subprocess.run(
        [*pip, "--disable-pip-version-check", "--no-input", "--no-deps", *pins],
        capture_output=True,
        text=True,
        timeout=INSTALL_TIMEOUT_S,
    )
    if done.returncode != 0:
        python.unlink(missing_ok=True)
        pytest.skip(f"pip cannot fetch the public clients here: {done.stderr.strip()[-300:]}")


@pytest.fixture(scope="module")
def plant() -> Iterator[PlantUnderTest]:
    """A hybrid with every door that a public client knows, in the evening."""
    doors = ["modbus", "encrypted", "winet"]
    with PlantUnderTest("sh10rt", doors=doors, seed=3, start_s=EVENING_S) as plant:
        yield plant


def inside(plant: PlantUnderTest) -> list[list[int]]:
    """The words of SPANS as the inverter has them, seen through no door."""
    return [plant.words(first, count) for first, count in SPANS]


def near(shown: object, true: float, rounding: float) -> bool:
    """Whether a number, or a text of one, is the truth but for its rounding."""
    assert isinstance(shown, str | int | float)
    return abs(float(shown) - true) <= rounding / 2 + 1e-9


@pytest.mark.parametrize("model", ["sh10rt", "sg5.0rt", "sh5.0rs", "sg110cx"])
def test_pymodbus_on_plain_modbus(model: str) -> None:
    """Every span, the meter's powers and the battery's own unit arrive as they are inside."""
    with PlantUnderTest(model, seed=5, start_s=MORNING_S) as plant:
        door, truth = plant.connection("modbus"), plant.truth()
        hybrid = model.startswith("sh")
        spans = SPANS if hybrid else [[4990, 47]]
        read = ModbusTcpClient(door.host, port=door.port, timeout=10, retries=0)
        read.connect()  # type: ignore[no-untyped-call]
        blocks = [
            list(read.read_input_registers(first - 1, count=count, device_id=1).registers)
            for first, count in spans
        ]
        code = read.convert_from_registers(blocks[0][10:11], read.DATATYPE.UINT16)
        pv_w = read.convert_from_registers(blocks[0][27:29], read.DATATYPE.UINT32, "little")
        unit = 200 if hybrid else 1
        there = read.read_input_registers(10740 if hybrid else 4999, count=1, device_id=unit)
        read.close()  # type: ignore[no-untyped-call]
        known = [plant.words(first, count) for first, count in spans]

    assert known == blocks
    assert (door.type_code, truth["pv_power"]) == (code, pv_w)
    assert not there.isError()


def test_tcp_client_on_the_encrypted_door(plant: PlantUnderTest, client: Client) -> None:
    """The key exchange, its reconnecting, its padding: every word arrives as it is inside."""
    door = plant.connection("encrypted")
    told = client("pymodbus3", "read_tcp_client.py", door.host, door.port, json.dumps(SPANS))

    assert {"blocks": inside(plant), "encrypted": True} == told


def test_web_client_on_winet(plant: PlantUnderTest, client: Client) -> None:
    """Websocket, token, device list and getParam: every word arrives as it is inside."""
    door = plant.connection("winet")
    at = door.host, door.port, door.websocket_port
    told = client("pymodbus2", "read_web_client.py", *at, json.dumps(SPANS))

    assert {"blocks": inside(plant), "dev_type": 35, "dev_code": 0x0E03} == told


def test_websocket_client_on_winet(plant: PlantUnderTest, client: Client) -> None:
    """All that the dongle's page shows: each item, with its label, its unit and its value."""
    door = plant.connection("winet")
    items = client("websocket", "read_websocket.py", door.host, door.port, door.websocket_port)
    expected = websocket_truth(plant)
    none = {"daily_power_yield", "total_yield"}
    wrong = {
        key: (items.get(key), true)
        for key, (true, unit, rounding) in expected.items()
        if items[key][2] != unit or not near(items[key][1], true, rounding)
    }

    assert {} == wrong
    assert {"--"} == {items[key][1] for key in none}
    assert "Running" == items["running_state"][1]
    assert expected.keys() | none | {"running_state"} == items.keys()


def websocket_truth(plant: PlantUnderTest) -> dict[str, tuple[float, str, float]]:
    """Item -> truth, unit, and the last digit that it is shown with."""
    truth = plant.truth()
    word = dict(enumerate(plant.words(4990, 47), start=4990))
    amperes = dict(enumerate(plant.words(13031, 3), start=13031))
    battery_w = truth["battery_power"]
    volts, health = plant.words(13020, 1)[0] / 10, plant.words(13024, 1)[0] / 10
    return {
        "pv_dayily_energy_generation": (truth["pv_energy_today"] / 1000, "kWh", 0.1),
        "pv_total_energy_generation": (truth["pv_energy_total"] / 1000, "kWh", 0.1),
        "air_tem_inside_machine": (truth["inverter_temperature"], "℃", 0.1),
        "load_total_active_power": (truth["load_power"] / 1000, "kW", 0.001),
        "feed_network_total_active_power": (max(0, -truth["grid_power"]) / 1000, "kW", 0.01),
        "config_key_4060": (max(0, truth["grid_power"]) / 1000, "kW", 0.01),
        "total_dcpower": (truth["pv_power"] / 1000, "kW", 0.01),
        "total_active_power": ((truth["pv_power"] + battery_w) / 1000, "kW", 0.01),
        "grid_frequency": (truth["frequency"], "Hz", 0.01),
        "commonua": (word[5019] / 10, "V", 0.1),
        "ub": (word[5020] / 10, "V", 0.1),
        "uc": (word[5021] / 10, "V", 0.1),
        "fragment_run_type1": (amperes[13031] / 10, "A", 0.1),
        "ib": (amperes[13032] / 10, "A", 0.1),
        "ic": (amperes[13033] / 10, "A", 0.1),
        "config_key_3907": (max(0, -battery_w) / 1000, "kW", 0.001),
        "config_key_3921": (max(0, battery_w) / 1000, "kW", 0.001),
        "battery_voltage": (volts, "V", 0.1),
        "battery_current": (battery_w / volts, "A", 0.1),
        "battery_temperature": (truth["battery_temperature"], "℃", 0.1),
        "battery_soc": (truth["battery_soc"] * 100, "%", 0.1),
        "battary_health": (health, "%", 0.1),
        "mppt1_voltage": (word[5011] / 10, "V", 0.1),
        "mppt1_current": (word[5012] / 10, "A", 0.1),
        "mppt2_voltage": (word[5013] / 10, "V", 0.1),
        "mppt2_current": (word[5014] / 10, "A", 0.1),
    }


def test_pysungrow_on_plain_modbus(plant: PlantUnderTest, client: Client) -> None:
    """A register table that others wrote from the same devices decodes the plant's truth."""
    door = plant.connection("modbus")
    values = client("pymodbus2", "read_pysungrow.py", door.host, door.port)
    numbers, words = pysungrow_numbers(plant), pysungrow_words(plant)
    wrong = {
        key: (values.get(key), true)
        for key, (true, rounding) in numbers.items()
        if not near(values.get(key), true, rounding)
    }
    told = {key: (values.get(key), said) for key, said in words.items() if values[key] != said}

    assert ({}, {}) == (wrong, told)
    assert numbers.keys() | words.keys() | PYSUNGROW_LACKS == values.keys()


PYSUNGROW_LACKS = frozenset(
    {
        *("protocol_number", "protocol_version", "co2_reduction", "battery_current"),
        *("daily_self_consumption", "grid_state", "drm_state", "load_adjustment_mode"),
        *(f"load_period_{n}_{end}" for n in (1, 2) for end in ("start", "end")),
        *("load_on_off_mode", "load_optimized_start", "load_optimized_end"),
        "load_optimized_power",
    }
)
"""What it asks for and the plant marks as unavailable. The library does not know the vendor's marks
and shows them as numbers or stumbles over them: those are no values of the plant's."""


def pysungrow_numbers(plant: PlantUnderTest) -> dict[str, tuple[float, float]]:
    """Its names -> truth and the last digit that the register has."""
    truth = plant.truth()
    word = dict(enumerate(plant.words(4990, 47), start=4990))
    amperes = plant.words(13031, 3)
    volts, health = plant.words(13020, 1)[0] / 10, plant.words(13024, 1)[0] / 10
    return pysungrow_energies(truth) | {
        "nominal_output_power": (10.0, 0.1),
        "internal_temperature": (truth["inverter_temperature"], 0.1),
        "mppt_1_voltage": (word[5011] / 10, 0.0),
        "mppt_1_current": (word[5012] / 10, 0.0),
        "mppt_2_voltage": (word[5013] / 10, 0.0),
        "mppt_2_current": (word[5014] / 10, 0.0),
        "total_dc_power": (truth["pv_power"], 0),
        "phase_a_voltage": (word[5019] / 10, 0.0),
        "phase_b_voltage": (word[5020] / 10, 0.0),
        "phase_c_voltage": (word[5021] / 10, 0.0),
        "phase_a_current": (amperes[0] / 10, 0.0),
        "phase_b_current": (amperes[1] / 10, 0.0),
        "phase_c_current": (amperes[2] / 10, 0.0),
        "reactive_power": (0, 0),
        "power_factor": (1.0, 0),
        "grid_frequency": (truth["frequency"], 0.1),
        "load_power": (truth["load_power"], 0),
        "export_power": (-truth["grid_power"], 0),
        "total_active_power": (truth["pv_power"] + truth["battery_power"], 0),
        "battery_voltage": (volts, 0.0),
        "battery_power": (abs(truth["battery_power"]), 0),
        "battery_level": (truth["battery_soc"] * 100, 0.1),
        "battery_health": (health, 0.0),
        "battery_temperature": (truth["battery_temperature"], 0.1),
        "max_soc": (100.0, 0),
        "min_soc": (5.0, 0),
        "charge_discharge": (0, 0),
        "export_power_limitation": (10_000, 0),
        "external_ems_heartbeat": (20, 0),
        "reserved_soc_for_backup": (0, 0),
    }


def pysungrow_energies(truth: Mapping[str, float | int]) -> dict[str, tuple[float, float]]:
    """Its names of energies -> kWh and the last digit that the register has."""
    energies = {
        "output_energy": "output",
        "pv_generation": "pv",
        "export_from_pv": "pv_exported",
        "battery_charge_energy_from_pv": "pv_charged",
        "direct_energy_consumption": "direct",
        "battery_discharge_energy": "discharged",
        "import_energy": "imported",
        "charge_energy": "charged",
        "export_energy": "exported",
    }
    kwh = {
        f"{span}_{name}": (truth[f"{key}_energy_{end}"] / 1000, 0.1)
        for name, key in energies.items()
        for span, end in (("daily", "today"), ("total", "total"))
    }
    # The library takes a hybrid's 0.1 kWh for the whole kWh of a string inverter.
    kwh["total_output_energy"] = (truth["output_energy_total"] / 100, 1)
    return kwh


def pysungrow_words(plant: PlantUnderTest) -> dict[str, object]:
    """Its names -> what it should say in words."""
    door = plant.connection("modbus")
    return {
        "serial_number": door.serial,
        "device": "SH10RT",
        "device_type": "SungrowDevice(code=3587, name='SH10RT', "
        "device_type=<SungrowDeviceType.HYBRID: 'Hybrid'>)",
        "arm_software_version": "ARM_SAPPHIRE-H_V11_V01_A",
        "dsp_software_version": "MDSP_SAPPHIRE-H_V11_V01_A",
        "output_type": "OutputType.THREE_PHASE_3P4L",
        "system_clock": "2026-06-21 19:00:00",
        "system_state": "SystemState.RUNNING",
        "running_state": "RunningState(pv_power=True, battery_charging=False, "
        "battery_discharging=True, load_is_active=True, power_feed_in_the_grid=False, "
        "importing_power_from_grid=False, power_generated_from_load=False)",
        "start_stop": "StartStop.START",
        "ems_mode": "EMSMode.SELF_CONSUMPTION",
        "charge_discharge_command": "ChargeDischargeCommand.STOP",
        "off_grid_enabled": False,
        "export_power_limitation_enabled": False,
    }


def test_http_config_on_the_newer_dongle(client: Client) -> None:
    """HTTPS, tokens and frames passed through, writes included, on firmware without login duty.

    The library serves one model; it reads the serial and the export limit and switches it.
    """
    with PlantUnderTest("sg5.0rs", doors=["winet-tls"]) as plant:
        plant.plant.door("winet-tls").rules = Rules()
        door = plant.connection("winet-tls")
        told = client("http", "read_http_config.py", door.address, 250)
        limit = plant.words(5011, 1, space="holding")[0]

    assert {
        "serial": door.serial,
        "before": 0,
        "set": False,
        "limited": limit,
        "unset": True,
        "after": 0,
    } == told
