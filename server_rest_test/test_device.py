"""A device from its address to its curves."""

from server_rest_test.conftest import Gateway


def test_a_probe_says_what_is_there(gateway: Gateway) -> None:
    """The plant is found to be an SH10RT, and nothing is stored."""
    body = {"ip": gateway.plant_host, "port": gateway.plant_port}

    response = gateway.call("POST", "/api/probe", body)

    assert 200 == response.status_code, response.text
    assert "sungrow_hybrid" == response.json()["profile"]
    assert "SH10RT" in response.json()["model"]


def test_an_added_device_is_open(gateway: Gateway, device_id: str) -> None:
    """Both views of it agree."""
    device = [each for each in gateway.json("/api/device") if each["id"] == device_id][0]

    assert device["is_open"] is True
    assert gateway.plant_port == device["connection"]["port"]
    assert "open" == gateway.json("/api/inverter")["status"]


def test_readings_come_with_units(gateway: Gateway, device_id: str) -> None:
    """At noon the sun shines."""
    values = gateway.wait_for(
        "/api/readings",
        lambda answer: [e["values"] for e in answer["devices"] if e["values"]],
    )[0]

    assert "W" == values["pv_power"]["unit"]
    assert values["pv_power"]["value"] > 0
    assert 0 <= values["battery_soc"]["value"] <= 100


def test_history_answers_a_curve(gateway: Gateway, device_id: str) -> None:
    """What was read is found in the store."""
    answer = gateway.wait_for(
        f"/api/history?device={device_id}&quantity=pv_power&points=60",
        lambda curve: curve if curve["points"] else None,
    )

    assert "W" == answer["unit"]
    assert answer["points"][-1]["most"] >= answer["points"][-1]["least"]


def test_registers_can_be_read_by_hand(gateway: Gateway, device_id: str) -> None:
    """The device type code stands where the vendor says: SH10RT is 0x0E03 or its sibling."""
    answer = gateway.json("/api/inverter/modbus/input/4999?size=1&type=uint")

    assert 4999 == answer["register"]
    assert 0x0E00 == answer["value"] & 0xFF00


def test_a_get_never_writes(gateway: Gateway, device_id: str) -> None:
    """Function code 16 on a GET is refused."""
    path = "/api/inverter/modbus?address=13049&function_code=16&values=1"

    assert 403 == gateway.call("GET", path).status_code


def test_raw_writes_are_off(gateway: Gateway, device_id: str) -> None:
    """403 until the owner turns them on."""
    commands = [{"type": "write", "startingAddress": 13049, "values": [0]}]

    response = gateway.call("POST", "/api/inverter/modbus", {"commands": commands})

    assert 403 == response.status_code
    assert "control.raw_writes" in response.json()["error"]


def test_snapshots_are_streamed(gateway: Gateway, device_id: str) -> None:
    """Two events come, and the second is newer."""
    response = gateway.call("GET", "/api/stream", stream=True)
    lines = (line for line in response.iter_lines(chunk_size=1) if line.startswith(b"id: "))

    first, second = int(next(lines)[4:]), int(next(lines)[4:])
    response.close()

    assert second > first


def test_a_working_gateway_is_healthy(gateway: Gateway, device_id: str) -> None:
    """200 with nothing to complain about."""
    assert gateway.wait_for("/healthz", lambda answer: answer["healthy"])


def test_a_device_that_is_not_there_is_said_to_be(gateway: Gateway) -> None:
    """Probing a closed port ends in words, not in a wait."""
    response = gateway.call("POST", "/api/probe", {"ip": "127.0.0.1", "port": 1})

    assert response.status_code in (502, 504)
    assert response.json()["error"]


def test_an_unknown_device_cannot_be_removed(gateway: Gateway) -> None:
    """404 in words."""
    assert 404 == gateway.call("DELETE", "/api/device", {"id": "attic"}).status_code


def test_a_device_that_cannot_be_added_is_the_contracts_error(gateway: Gateway) -> None:
    """invertertcp knows 500 with a message, and 400 for what it cannot understand."""
    failed = gateway.call("POST", "/api/invertertcp", {"ip": "127.0.0.1", "port": 1})
    malformed = gateway.call("POST", "/api/invertertcp", {"port": "x"})

    assert (500, "error") == (failed.status_code, failed.json()["status"])
    assert failed.json()["message"]
    assert (400, "bad request") == (malformed.status_code, malformed.json()["status"])


def test_a_device_that_could_not_be_stored_is_not_added(gateway: Gateway) -> None:
    """Unit, name and interval have the bounds of the settings."""
    for key, value in (("slave_id", 248), ("name", "n" * 65), ("interval_s", 0)):
        body = {"connection": {"ip": "127.0.0.1"}, "type": "sungrow_hybrid", key: value}

        response = gateway.call("POST", "/api/device", body)

        assert 400 == response.status_code
        assert response.json()["error"].startswith(key)


def test_registers_of_no_device_are_refused(gateway: Gateway) -> None:
    """400 with an error in words, as the contract has it."""
    response = gateway.call("GET", "/api/inverter/modbus?address=1&device_id=attic")

    assert 400 == response.status_code
    assert response.json()["error"]
