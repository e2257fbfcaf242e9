"""An application, mirrored; its bus is played."""

from typing import Any

import pytest
from bumble import att
from bumble.gatt import Characteristic
from dbus_fast import Message, Variant
from dbus_fast.errors import DBusError

from virtual_radio.bluez_bus.mirror import CHARACTERISTIC, DESCRIPTOR, SERVICE, Mirror

SERVICE_UUID = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
UUID = "6e400002-b5a3-f393-e0a9-e50e24dcca9e"
PHONE = "/org/bluez/hci0/dev_AA_BB_CC_DD_EE_FF"

TREE = {
    "/app/s": {SERVICE: {"UUID": Variant("s", SERVICE_UUID), "Primary": Variant("b", False)}},
    "/app/s/c": {
        CHARACTERISTIC: {
            "UUID": Variant("s", UUID),
            "Service": Variant("o", "/app/s"),
            "Flags": Variant("as", ["read", "write", "notify", "authorize"]),
        }
    },
    "/app/s/c/d": {
        DESCRIPTOR: {
            "UUID": Variant("s", "2901"),
            "Characteristic": Variant("o", "/app/s/c"),
            "Flags": Variant("as", ["read"]),
        }
    },
    "/app/other/c": {
        CHARACTERISTIC: {
            "UUID": Variant("s", UUID),
            "Service": Variant("o", "/app/other"),
            "Flags": Variant("as", ["read"]),
        }
    },
}


class FakeConnection:
    """Answers as it is told, and remembers."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.calls: list[tuple[str, str, list[Any]]] = []

    async def call(self, message: Message) -> Message | None:
        """An answer is a pair of signature and value, an error's pair of names, or None."""
        self.calls.append((str(message.path), str(message.member), message.body))
        message.serial = 1
        answer = self.answers.get(str(message.member), ("", None))
        if answer is None:
            return None
        if "." in answer[0]:
            return Message.new_error(message, *answer)
        signature, value = answer
        return Message.new_method_return(message, signature, [value] if signature else [])


class Phone:
    """As much of a connection as is looked at."""

    att_mtu = 48


async def mirrored(**answers: Any) -> tuple[Mirror, FakeConnection]:
    """One that is loaded."""
    connection = FakeConnection({"GetManagedObjects": ("a{oa{sa{sv}}}", TREE)} | answers)
    mirror = Mirror(connection, ":1.5", "/app", lambda phone: PHONE)  # type: ignore[arg-type]
    await mirror.load()
    return mirror, connection


pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """Everything here runs on asyncio."""
    return "asyncio"


async def test_a_service_has_its_own_characteristics() -> None:
    """Whether it is primary is the application's word."""
    mirror, _ = await mirrored()

    ((service, remotes),) = mirror.services
    (one,) = service.characteristics
    assert not service.primary
    assert ["/app/s/c"] == list(mirror.characteristic_at)
    properties = Characteristic.Properties
    assert properties.READ | properties.WRITE | properties.NOTIFY == one.properties
    assert 1 == len(one.descriptors)
    assert {one, *one.descriptors} == set(remotes)


async def test_a_read_carries_what_bluetoothd_adds() -> None:
    """An offset of 0 is left out."""
    mirror, connection = await mirrored(ReadValue=("ay", b"value"))
    ((_, remotes),) = mirror.services
    remote = remotes[mirror.characteristic_at["/app/s/c"]]
    phone: Any = Phone()

    values = [await remote.read_at(phone, 0), await remote.read_at(phone, 22)]

    common = {"device": PHONE, "link": "LE", "mtu": 48}
    asked = [
        {name: each.value for name, each in body[0].items()}
        for _, member, body in connection.calls
        if member == "ReadValue"
    ]
    assert [b"value"] * 2 == values
    assert [common, common | {"offset": 22}] == asked


async def test_a_write_says_how() -> None:
    """With the whole value."""
    mirror, connection = await mirrored()
    ((_, remotes),) = mirror.services
    phone: Any = Phone()

    await remotes[mirror.characteristic_at["/app/s/c"]].write_as(phone, b"x", "command")

    path, member, (value, options) = connection.calls[-1]
    assert ("/app/s/c", "WriteValue", b"x", "command") == (
        path,
        member,
        value,
        options["type"].value,
    )


@pytest.mark.parametrize(
    ("name", "text", "read", "written"),
    [
        ("org.bluez.Error.NotPermitted", "", 0x02, 0x03),
        ("org.bluez.Error.NotAuthorized", "", 0x08, 0x08),
        ("org.bluez.Error.NotSupported", "", 0x06, 0x06),
        ("org.bluez.Error.InvalidOffset", "", 0x07, 0x07),
        ("org.bluez.Error.InvalidValueLength", "", 0x0D, 0x0D),
        ("org.bluez.Error.Failed", "no number", 0x80, 0x80),
        ("org.bluez.Error.Failed", "0x85", 0x85, 0x85),
        ("org.bluez.Error.Failed", "0xff", 0x0E, 0x0E),
        ("egret.Error.Unlikely", "", 0x0E, 0x0E),
    ],
)
async def test_errors_are_translated(name: str, text: str, read: int, written: int) -> None:
    """As bluetoothd does it."""
    mirror, _ = await mirrored(ReadValue=(name, text), WriteValue=(name, text))
    ((_, remotes),) = mirror.services
    remote = remotes[mirror.characteristic_at["/app/s/c"]]
    phone: Any = Phone()

    with pytest.raises(att.ATT_Error) as of_read:
        await remote.read_at(phone, 0)
    with pytest.raises(att.ATT_Error) as of_write:
        await remote.write_as(phone, b"x", "request")

    assert [read, written] == [of_read.value.error_code, of_write.value.error_code]


async def test_a_value_that_is_too_long_is_an_error() -> None:
    """It is not cut in silence."""
    mirror, _ = await mirrored(ReadValue=("ay", bytes(513)))
    ((_, remotes),) = mirror.services
    phone: Any = Phone()

    with pytest.raises(att.ATT_Error) as refused:
        await remotes[mirror.characteristic_at["/app/s/c"]].read_at(phone, 0)

    assert att.ATT_INVALID_ATTRIBUTE_LENGTH_ERROR == refused.value.error_code


async def test_an_application_that_goes_is_an_unlikely_error() -> None:
    """Nobody waits for it."""
    mirror, _ = await mirrored(ReadValue=None)

    with pytest.raises(att.ATT_Error) as refused:
        await mirror.call("/app/s/c", CHARACTERISTIC, "ReadValue", "a{sv}", {})

    assert 0x0E == refused.value.error_code


async def test_nothing_to_serve_is_refused() -> None:
    """As bluetoothd refuses it."""
    with pytest.raises(DBusError, match="No object received"):
        await mirrored(GetManagedObjects=("a{oa{sa{sv}}}", {}))


async def test_a_subscription_may_be_refused() -> None:
    """The central keeps it all the same."""
    mirror, connection = await mirrored(StartNotify=("org.bluez.Error.Failed", ""))

    await mirror.subscribe("/app/s/c", True)
    await mirror.subscribe("/app/s/c", False)

    assert ["StartNotify", "StopNotify"] == [member for _, member, _ in connection.calls[1:]]
