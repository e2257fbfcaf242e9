"""What the dongle says hangs on it."""

import pytest

from simulator.door import WINET
from simulator.models import MODELS
from simulator.plant import VirtualPlant
from simulator.winet_devices import BATTERY_CODE, about, device_types, devices, type_of


def test_a_hybrid_lists_inverter_and_battery() -> None:
    """The vendor's fields with the vendor's spelling, an empty list in each."""
    plant = VirtualPlant("sh10rt", serial="A2207055437")
    inverter, battery = devices(plant.face, WINET)

    assert {
        "id": 1,
        "dev_id": 1,
        "dev_code": 0x0E03,
        "dev_type": 35,
        "dev_procotol": 2,
        "inv_type": 0,
        "dev_sn": "A2207055437",
        "dev_name": "SH10RT(COM1-001)",
        "dev_model": "SH10RT",
        "port_name": "COM1",
        "phys_addr": "1",
        "logc_addr": "1",
        "link_status": 1,
        "init_status": 1,
        "dev_special": "0",
        "list": [],
    } == inverter
    assert (2, 44, BATTERY_CODE, "SBR128(COM1-200)", "200", "2") == tuple(
        battery[key]
        for key in ("dev_id", "dev_type", "dev_code", "dev_name", "phys_addr", "logc_addr")
    )
    assert "S2207055437" == battery["dev_sn"]


def test_a_string_inverter_is_alone() -> None:
    """No battery, one entry; the plain page's entries have no list."""
    plant = VirtualPlant("sg5.0rs")
    (only,) = devices(plant.face, WINET, with_list=False)

    assert (9734, 21, False) == (only["dev_code"], only["dev_type"], "list" in only)


@pytest.mark.parametrize(
    ("model", "kind"), [("sg5.0rs", 21), ("sg10rt", 21), ("sg110cx", 1), ("sh25t", 35)]
)
def test_kinds_have_the_dongles_numbers(model: str, kind: int) -> None:
    """Houses' string inverters, large ones, and hybrids are three kinds."""
    assert kind == type_of(MODELS[model])
    assert kind in [entry["value"] for entry in device_types()]


def test_it_tells_its_version() -> None:
    """The software version is among what it says of itself."""
    rows = {row["data_name"]: row["data_value"] for row in about("A1", "WINET-SV1.P012")}

    assert "WINET-SV1.P012" == rows["I18N_COMMON_APPLI_SOFT_VERSION"]
    assert "B1" == rows["I18N_COMMON_DEVICE_SN"]


def test_the_inverters_own_unit_is_its_physical_one() -> None:
    """The dongle forwards 1 to whatever number the inverter has on the line."""
    plant = VirtualPlant("sg5.0rt", unit_id=7)
    (inverter,) = devices(plant.face, WINET)

    assert ("SG5.0RT(COM1-007)", "7", "1") == tuple(
        inverter[key] for key in ("dev_name", "phys_addr", "logc_addr")
    )
