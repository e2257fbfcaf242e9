"""The table of settings: complete, named, and bounded."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.model.configuration import Configuration
from server.model.device import PASSWORD_MASK, DeviceConfig, Endpoint
from server.model.setting import (
    DEFAULT_POLL_INTERVAL_S,
    MAX_AGE_DAYS,
    MAX_BALLAST_BYTES,
    MAX_BATCH_RECORDS,
    MAX_COMMIT_INTERVAL_S,
    MAX_DEVICES,
    MAX_ENDPOINTS,
    MAX_HARVEST_TIMEOUT_S,
    MAX_HOST_LENGTH,
    MAX_INTERVAL_S,
    MAX_NAME_LENGTH,
    MAX_PASSWORD_LENGTH,
    MAX_PATH_LENGTH,
    MAX_PORT,
    MAX_STORE_BYTES,
    MAX_UNIT_ID,
    MAX_WINDOW_S,
    MIN_INTERVAL_S,
    MIN_POLL_INTERVAL_S,
    MIN_STORE_BYTES,
    MIN_WINDOW_S,
    SETTINGS,
    Device,
    configuration_of,
    device_document,
)

DOCUMENT = {
    "device_id": "A2340",
    "name": "Roof",
    "endpoint": {"scheme": "modbus_tcp", "host": "10.0.0.5", "port": 1502},
    "unit_id": 3,
    "profile": "sungrow_hybrid",
    "interval_s": 5.0,
    "serial": "A2340",
    "model": "SH10RT",
    "parent": "",
}
DEVICE = DeviceConfig(
    device_id="A2340",
    name="Roof",
    endpoint=Endpoint("modbus_tcp", "10.0.0.5", 1502),
    unit_id=3,
    profile="sungrow_hybrid",
    interval_s=5.0,
    serial="A2340",
    model="SH10RT",
)


def paths(value: Any, prefix: str = "") -> list[str]:
    """The dotted path of every leaf of a configuration."""
    found: list[str] = []
    for field in dataclasses.fields(value):
        inner = getattr(value, field.name)
        path = f"{prefix}{field.name}"
        found += paths(inner, f"{path}.") if dataclasses.is_dataclass(inner) else [path]
    return found


def test_every_field_of_the_configuration_is_a_setting() -> None:
    """A field without a rule could be set to anything; a rule without a field sets nothing."""
    fields = set(paths(Configuration())) - {"version"}

    assert fields == set(SETTINGS)


@pytest.mark.parametrize("path", SETTINGS)
def test_every_default_keeps_its_own_rule(path: str) -> None:
    """What counts without any file would also be allowed in one."""
    setting = SETTINGS[path]

    assert setting.default == setting.rule.take(setting.default, path)


def test_variables_are_named_after_paths() -> None:
    """EGRET_, then the path in capitals; no two settings share one."""
    variables = [setting.variable for setting in SETTINGS.values()]

    assert "EGRET_STORE_COMMIT_INTERVAL_S" == SETTINGS["store.commit_interval_s"].variable
    assert len(variables) == len(set(variables))


@pytest.mark.parametrize(
    ("path", "least", "most"),
    [
        ("api.port", 0, MAX_PORT),
        ("store.commit_interval_s", MIN_INTERVAL_S, MAX_COMMIT_INTERVAL_S),
        ("store.max_bytes", MIN_STORE_BYTES, MAX_STORE_BYTES),
        ("store.max_age_days", 0.01, MAX_AGE_DAYS),
        ("store.min_free_bytes", 0, MAX_STORE_BYTES),
        ("store.ballast_bytes", 0, MAX_BALLAST_BYTES),
        ("harvest.interval_s", MIN_INTERVAL_S, MAX_INTERVAL_S),
        ("harvest.batch_records", 1, MAX_BATCH_RECORDS),
        ("harvest.timeout_s", 0.1, MAX_HARVEST_TIMEOUT_S),
        ("bluetooth.window_s", MIN_WINDOW_S, MAX_WINDOW_S),
    ],
)
def test_numbers_are_taken_up_to_their_bounds(path: str, least: float, most: float) -> None:
    """Both bounds themselves are allowed, one step beyond is not."""
    rule = SETTINGS[path].rule
    step = 1 if isinstance(least, int) else 0.001

    assert (least, most) == (rule.take(least, path), rule.take(most, path))
    for beyond in (least - step, most + step):
        with pytest.raises(ValueError, match=path):
            rule.take(beyond, path)


@pytest.mark.parametrize(
    ("path", "most", "make"),
    [
        (
            "devices",
            MAX_DEVICES,
            lambda number: {"endpoint": f"10.0.{number // 256}.{number % 256}"},
        ),
        ("harvest.endpoints", MAX_ENDPOINTS, lambda number: f"https://example.org/{number}"),
    ],
)
def test_lists_are_bounded(path: str, most: int, make: Any) -> None:
    """The last allowed item is taken, one more is refused."""
    rule = SETTINGS[path].rule
    items = [make(number) for number in range(most + 1)]

    taken = rule.take(items[:most], path)

    assert most == len(taken)
    with pytest.raises(ValueError, match=f"at most {most}"):
        rule.take(items, path)


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("name", MAX_NAME_LENGTH),
        ("api.host", MAX_HOST_LENGTH),
        ("api.tls_certificate", MAX_PATH_LENGTH),
    ],
)
def test_texts_are_bounded(path: str, most: int) -> None:
    """A text of the longest length is taken, one character more is refused."""
    rule = SETTINGS[path].rule

    assert "x" * most == rule.take("x" * most, path)
    with pytest.raises(ValueError, match=path):
        rule.take("x" * (most + 1), path)


def test_a_device_is_taken_and_written_the_same() -> None:
    """The document of a device and its value are two forms of one thing."""
    taken = Device().take(DOCUMENT, "devices[0]")

    assert (DEVICE, DOCUMENT) == (taken, device_document(taken))


@pytest.mark.parametrize(
    ("short", "endpoint"),
    [
        ("10.0.0.5", Endpoint("modbus_tcp", "10.0.0.5", 502)),
        ("10.0.0.5:1502", Endpoint("modbus_tcp", "10.0.0.5", 1502)),
        ("modbus_tcp://box.lan:6607", Endpoint("modbus_tcp", "box.lan", 6607)),
        ("modbus_tcp://[fd00::5]:502", Endpoint("modbus_tcp", "fd00::5", 502)),
    ],
)
def test_an_endpoint_may_be_short(short: str, endpoint: Endpoint) -> None:
    """In an environment variable an address in one word is enough."""
    device = Device().take({"endpoint": short}, "devices[0]")

    assert endpoint == device.endpoint


def test_a_device_without_id_is_named_by_its_place() -> None:
    """Host, port and unit tell devices apart, so two at one place are told to be the same."""
    device = Device().take({"endpoint": "10.0.0.5", "unit_id": 2}, "devices[0]")

    assert ("10.0.0.5-502-2", "auto") == (device.device_id, device.profile)
    assert DEFAULT_POLL_INTERVAL_S == device.interval_s


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"unit_id": MAX_UNIT_ID + 1}, "devices[0].unit_id should be a whole number from 0 to 247"),
        ({"interval_s": MIN_POLL_INTERVAL_S / 2}, "devices[0].interval_s should be a number"),
        ({"interval_s": MAX_INTERVAL_S * 2}, "devices[0].interval_s should be a number"),
        ({"unitid": 1}, "devices[0] has no key 'unitid'; it has device_id"),
        ({"device_id": "a/b"}, "devices[0].device_id should be printable text without spaces"),
        ({"name": "x" * (MAX_NAME_LENGTH + 1)}, "devices[0].name should be"),
        ({"endpoint": None}, "devices[0].endpoint should be an object with host and port"),
        ({"endpoint": "a:b:c"}, "devices[0].endpoint should be an object with host and port"),
        ({"endpoint": "modbus_udp://a"}, "devices[0].endpoint.scheme should be one of modbus_tcp,"),
        ({"endpoint": {"host": "a", "scheme": 1}}, "devices[0].endpoint.scheme should be one of"),
        ({"endpoint": "10.0.0.5:0"}, "devices[0].endpoint.port should be"),
        ({"endpoint": f"10.0.0.5:{'9' * 5000}"}, "devices[0].endpoint should be an object with"),
        ({"endpoint": "10.0.0.5:00000502"}, "devices[0].endpoint should be an object with host"),
        ({"endpoint": "10.0.0.5:65536"}, "devices[0].endpoint.port should be"),
        ({"endpoint": {"port": 502}}, "devices[0].endpoint.host is missing"),
        ({"endpoint": {"host": "a", "port": 0}}, "devices[0].endpoint.port should be"),
        ({"endpoint": {"host": "a", "prot": 1}}, "devices[0].endpoint has no key 'prot'"),
    ],
)
def test_a_wrong_device_is_refused_by_key(change: dict[str, object], said: str) -> None:
    """The error names the very key."""
    with pytest.raises(ValueError) as caught:
        Device().take({**DOCUMENT, **change}, "devices[0]")

    assert said == str(caught.value)[: len(said)]


def test_a_device_that_is_no_object_is_refused() -> None:
    """A list of addresses is not a list of devices."""
    with pytest.raises(ValueError, match="devices\\[0\\] should be an object"):
        Device().take("10.0.0.5", "devices[0]")


def test_configuration_of_nothing_is_the_default() -> None:
    """Every setting has a default."""
    assert Configuration() == configuration_of({})


def test_configuration_of_values_sets_them_alone() -> None:
    """What is not given keeps its default, also beside it in its section."""
    made = configuration_of({"name": "Haus", "api.port": 0, "devices": (DEVICE,)})

    assert ("Haus", 0, "127.0.0.1", (DEVICE,)) == (
        made.name,
        made.api.port,
        made.api.host,
        made.devices,
    )


def test_an_account_is_kept_and_read_again() -> None:
    """Without one, the file is as earlier versions read it."""
    device = dataclasses.replace(DEVICE, user="owner", password="p" * MAX_PASSWORD_LENGTH)

    assert device == Device().take(device_document(device), "devices[0]")
    assert not {"user", "password"} & set(device_document(DEVICE))


@pytest.mark.parametrize("password", ["s3cret" * MAX_PASSWORD_LENGTH, "s3cret\n", ["s3cret"]])
def test_a_password_that_cannot_be_used_is_not_shown(password: object) -> None:
    """The error names the key and what it should be."""
    with pytest.raises(ValueError, match="password should be printable text") as refusal:
        Device().take({**DOCUMENT, "password": password}, "devices[0]")

    assert "s3cret" not in str(refusal.value)


def test_the_mask_of_a_password_is_none() -> None:
    """It never gets stored in the place of one."""
    assert "" == Device().take({**DOCUMENT, "password": PASSWORD_MASK}, "devices[0]").password


@pytest.mark.parametrize(
    "endpoint",
    [
        "winet://owner:s3cret@10.0.0.5:443",
        "winet://s3cret@10.0.0.5:443",
        "s3cret@10.0.0.5",
        {"host": "owner:s3cret@10.0.0.5"},
    ],
)
def test_an_account_within_an_endpoint_is_refused_unshown(endpoint: object) -> None:
    """The words say where it belongs; no host name holds an @."""
    with pytest.raises(ValueError, match="user and password of the device") as refusal:
        Device().take({"endpoint": endpoint}, "devices[0]")

    assert "s3cret" not in str(refusal.value)


@given(st.text(max_size=40) | st.from_regex(r"[a-z_]{0,9}(://)?[0-9.:\[\]@]{0,20}", fullmatch=True))
def test_no_short_endpoint_makes_it_fall(short: str) -> None:
    """It is an endpoint within the rules, or an error that names the key."""
    try:
        endpoint = Device().take({"endpoint": short}, "devices[0]").endpoint
    except ValueError as error:
        assert str(error).startswith("devices[0].endpoint")
        return

    assert 1 <= endpoint.port <= MAX_PORT
    assert 1 <= len(endpoint.host) <= MAX_HOST_LENGTH
    assert "@" not in endpoint.host
