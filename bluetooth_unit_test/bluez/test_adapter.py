"""Waiting for an adapter, and noticing what goes."""

import asyncio

import pytest

from bluetooth.bluez import adapter as module
from bluetooth.bluez import words
from bluetooth.bluez.adapter import BluezAdapter
from bluetooth.bluez.bus import DbusRefused
from bluetooth.errors import AdapterMissing, PeripheralLost
from bluetooth_unit_test.bluez.fake_bus import HCI0, OWNER, PHONE, FakeBus, turn

pytestmark = pytest.mark.anyio

HCI1 = "/org/bluez/hci1"

SOON_S = 0.02
"""A wait that is meant to end without an answer."""


def listening(bus: FakeBus, name: str = "") -> tuple[BluezAdapter, list[str]]:
    """An adapter that hears the bus, and who has left."""
    left: list[str] = []
    adapter = BluezAdapter(bus, name, left.append)
    bus.attend(lambda heard: None, adapter.hear)
    return adapter, left


@pytest.mark.parametrize(("name", "expected"), [("", HCI0), ("hci0", HCI0), ("hci1", HCI1)])
async def test_it_takes_the_named_one_or_the_first(name: str, expected: str) -> None:
    """The order is that of their names."""
    adapter, _ = listening(FakeBus({HCI1: True, HCI0: True}), name)

    await adapter.wait_ready()

    assert (expected, OWNER) == (adapter.path, adapter.owner)


async def test_hci1_is_not_hci11() -> None:
    """A name is a whole name."""
    adapter, _ = listening(FakeBus({"/org/bluez/hci11": True}), "hci1")

    with pytest.raises(AdapterMissing, match="no Bluetooth adapter hci1 .there: hci11."):
        await adapter.wait_ready(SOON_S)


async def test_no_adapter_at_all_is_said() -> None:
    """And that there is none."""
    adapter, _ = listening(FakeBus({}))

    with pytest.raises(AdapterMissing, match="that can serve .there: none."):
        await adapter.wait_ready(SOON_S)


async def test_the_wait_has_a_bound_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever names none waits READY_TIMEOUT_S."""
    monkeypatch.setattr(module, "READY_TIMEOUT_S", SOON_S)
    adapter, _ = listening(FakeBus({}))

    with pytest.raises(AdapterMissing):
        await adapter.wait_ready()


async def test_power_is_switched_on() -> None:
    """With one call, and nothing else of the adapter is set."""
    bus = FakeBus({HCI0: False})
    adapter, _ = listening(bus)

    await adapter.wait_ready()

    assert bus.adapters[HCI0]
    assert ["Powered"] == [name for _, name, _ in bus.asked("Set")]


async def test_an_adapter_that_is_on_is_left_alone() -> None:
    """Nothing is set at all: not its power, not its name, not its pairing."""
    bus = FakeBus()
    adapter, _ = listening(bus)

    await adapter.wait_ready()

    assert [] == bus.asked("Set")


async def test_power_that_is_refused_is_said() -> None:
    """It may be blocked by a switch of the machine."""
    bus = FakeBus({HCI0: False})
    bus.refusals["Set"] = DbusRefused("org.bluez.Error.Blocked", "Blocked through rfkill")
    adapter, _ = listening(bus)

    with pytest.raises(AdapterMissing, match="rfkill list bluetooth"):
        await adapter.wait_ready(SOON_S)


async def test_it_waits_for_bluetoothd_to_begin() -> None:
    """The signal that it has is enough."""
    bus = FakeBus()
    bus.owner = ""
    adapter, _ = listening(bus)
    waiting = asyncio.create_task(adapter.wait_ready(5))
    while not bus.asked("GetManagedObjects"):
        await turn()

    bus.change_owner(":1.9")
    await waiting

    assert ":1.9" == adapter.owner
    assert not adapter.lost.is_set()


async def test_it_looks_again_without_a_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    """One may be missed; it is asked again every LOOK_AGAIN_S."""
    monkeypatch.setattr(module, "LOOK_AGAIN_S", 0.001)
    bus = FakeBus({})
    adapter, _ = listening(bus)
    waiting = asyncio.create_task(adapter.wait_ready(5))
    while len(bus.asked("GetManagedObjects")) < 3:
        await turn()

    bus.adapters[HCI0] = True
    await waiting

    assert HCI0 == adapter.path


@pytest.mark.parametrize(
    ("member", "error"),
    [
        ("GetManagedObjects", PeripheralLost("the message bus is gone")),
        ("AddMatch", DbusRefused("org.freedesktop.DBus.Error.LimitsExceeded", "the message bus")),
    ],
)
async def test_a_bus_that_breaks_off_is_said(member: str, error: Exception) -> None:
    """With what was missing until then."""
    bus = FakeBus()
    bus.refusals[member] = error
    adapter, _ = listening(bus)

    with pytest.raises(AdapterMissing, match="the message bus"):
        await adapter.wait_ready(SOON_S)


@pytest.mark.parametrize("how", ["end", "restart", "power", "removal"])
async def test_it_is_lost(how: str) -> None:
    """When bluetoothd ends or is another one, when the adapter has no power or is removed."""
    bus = FakeBus()
    adapter, _ = listening(bus)
    await adapter.wait_ready()
    before = adapter.lost.is_set()

    match how:
        case "end":
            bus.change_owner("")
        case "restart":
            bus.change_owner(":1.8")
        case "power":
            bus.change(HCI0, words.ADAPTER, Powered=False)
        case "removal":
            bus.say("/", words.OBJECT_MANAGER, "InterfacesRemoved", HCI0, [words.ADAPTER])

    assert [False, True] == [before, adapter.lost.is_set()]


async def test_what_concerns_others_is_no_loss() -> None:
    """Another adapter, another property, a stranger who says the same."""
    bus = FakeBus({HCI0: True, HCI1: True})
    adapter, _ = listening(bus)
    await adapter.wait_ready()

    bus.change(HCI1, words.ADAPTER, Powered=False)
    bus.change(HCI0, words.ADAPTER, Powered=True)
    bus.change(HCI0, words.ADAPTER, Discovering=False)
    bus.change(HCI0, "org.bluez.Battery1", Powered=False)
    gone = (words.BLUEZ, OWNER, "")
    bus.say(words.DBUS_PATH, words.DBUS, "NameOwnerChanged", *gone, sender=":1.66")
    removed = (HCI0, [words.ADAPTER])
    bus.say("/", words.OBJECT_MANAGER, "InterfacesRemoved", *removed, sender=":1.66")
    bus.say("/", words.OBJECT_MANAGER, "InterfacesRemoved", HCI1, [words.ADAPTER])
    bus.say("/", words.OBJECT_MANAGER, "InterfacesRemoved", "nonsense")

    assert not adapter.lost.is_set()


async def test_a_central_that_goes_is_said_to() -> None:
    """When it disconnects, and when bluetoothd forgets it."""
    bus = FakeBus()
    adapter, left = listening(bus)
    await adapter.wait_ready()

    bus.change(PHONE, words.DEVICE, Connected=True)
    connected = list(left)
    bus.change(PHONE, words.DEVICE, Connected=False)
    bus.say("/", words.OBJECT_MANAGER, "InterfacesRemoved", PHONE, [words.DEVICE])

    assert [] == connected
    assert [PHONE, PHONE] == left


async def test_a_central_is_sent_away_on_request() -> None:
    """By its own object, and only if it is one of this adapter's."""
    bus = FakeBus()
    adapter, _ = listening(bus)
    await adapter.wait_ready()

    for client in (PHONE, "", "phone", f"{HCI1}/dev_AA_BB_CC_DD_EE_FF"):
        await adapter.disconnect(client)

    assert [PHONE] == [path for path, member, _ in bus.calls if member == "Disconnect"]


@pytest.mark.parametrize(
    "error", [DbusRefused("org.bluez.Error.NotConnected", ""), PeripheralLost("gone")]
)
async def test_one_that_has_left_need_not_be_sent_away(error: Exception) -> None:
    """That it is gone is what was wanted."""
    bus = FakeBus()
    adapter, _ = listening(bus)
    await adapter.wait_ready()
    bus.refusals["Disconnect"] = error

    await adapter.disconnect(PHONE)

    assert 1 == len(bus.asked("Disconnect"))


async def test_sending_away_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bluetoothd that does not answer gets FORGET_TIMEOUT_S."""

    class Hanging(FakeBus):
        async def call(self, *arguments: object) -> tuple[object, ...]:  # type: ignore[override]
            if arguments[3] == "Disconnect":
                await asyncio.Event().wait()
            return await super().call(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "FORGET_TIMEOUT_S", SOON_S)
    adapter, _ = listening(Hanging())
    await adapter.wait_ready()

    async with asyncio.timeout(5):
        await adapter.disconnect(PHONE)
