"""The object tree, and what it answers."""

from typing import Any

import pytest
from dbus_fast import Variant

from bluetooth.bluez import words
from bluetooth.bluez.application import ROOT, Application
from bluetooth.bluez.bus import DbusRefused, Heard, Reply
from bluetooth.errors import Refused
from bluetooth.gatt import SERVICES as ALL
from bluetooth.gatt import AttError, Service
from bluetooth.served_values import ServedValues
from bluetooth_unit_test.contracts.peripheral import (
    FIRST,
    NOTIFIED,
    READ_ONLY,
    SERVICES,
    WRITTEN,
    RecordedValues,
    pattern,
)

PHONE = "/org/bluez/hci0/dev_AA_BB_CC_DD_EE_FF"


@pytest.fixture
def values() -> RecordedValues:
    """What it serves."""
    return RecordedValues({READ_ONLY: pattern(100)})


@pytest.fixture
def application(values: RecordedValues) -> Application:
    """Two services."""
    return Application(SERVICES, ServedValues(values))


def ask(application: Application, uuid: str, member: str, *body: Any) -> Reply | None:
    """bluetoothd calls a characteristic."""
    path = application.path_of(uuid)
    assert path is not None
    return application.answer(Heard(":1.7", path, words.CHARACTERISTIC, member, body))


def options(**given: Any) -> dict[str, Variant]:
    """The options of a call, as bluetoothd types them."""
    types = {"device": "o", "offset": "q", "mtu": "q", "type": "s", "prepare_authorize": "b"}
    return {name.replace("_", "-"): Variant(types[name], value) for name, value in given.items()}


def test_every_service_is_primary_and_whole(application: Application) -> None:
    """Each with all of its characteristics, and each of those with a description."""
    reply = application.answer(Heard(":1.7", ROOT, words.OBJECT_MANAGER, "GetManagedObjects"))

    assert reply is not None
    (objects,) = reply.body
    found = [each[words.SERVICE] for each in objects.values() if words.SERVICE in each]
    assert [(each.uuid, True) for each in SERVICES] == [
        (each["UUID"].value, each["Primary"].value) for each in found
    ]
    described = [each for each in objects.values() if words.DESCRIPTOR in each]
    assert 3 == len(described)


def test_characteristics_say_what_may_be_done(application: Application) -> None:
    """In BlueZ's words, and to which service they belong."""
    path = application.path_of(WRITTEN)
    assert path is not None

    properties = application.objects[path][words.CHARACTERISTIC]

    assert ["read", "write", "write-without-response"] == properties["Flags"].value
    assert words.SERVICE in application.objects[properties["Service"].value]


def test_all_that_the_box_serves_fits() -> None:
    """The real tables make an application; every characteristic has a path of its own."""
    application = Application(ALL, ServedValues(RecordedValues()))

    paths = {application.path_of(one.uuid) for each in ALL for one in each.characteristics}

    assert None not in paths
    assert sum(len(each.characteristics) for each in ALL) == len(paths)


def test_a_uuid_that_is_there_twice_is_a_mistake() -> None:
    """Nobody could say which one a notification is for."""
    with pytest.raises(ValueError, match="there twice"):
        Application(
            (FIRST, Service(NOTIFIED, FIRST.characteristics)), ServedValues(RecordedValues())
        )


def test_a_read_says_who_asks_and_from_where(
    application: Application, values: RecordedValues
) -> None:
    """An offset of 0 is left out by bluetoothd."""
    first = ask(application, READ_ONLY, "ReadValue", options(device=PHONE, mtu=23))
    second = ask(application, READ_ONLY, "ReadValue", options(device=PHONE, mtu=23, offset=22))

    assert [Reply("ay", (pattern(100),)), Reply("ay", (pattern(100)[22:],))] == [first, second]
    assert [(PHONE, READ_ONLY)] == values.reads


def test_a_write_says_who_asks(application: Application, values: RecordedValues) -> None:
    """And has no answer but that it was done."""
    reply = ask(application, WRITTEN, "WriteValue", b"x", options(device=PHONE, type="request"))

    assert Reply() == reply
    assert [(PHONE, WRITTEN, b"x")] == values.writes


def test_whoever_is_not_named_is_nobody(application: Application, values: RecordedValues) -> None:
    """Older versions of BlueZ do not say who asks."""
    ask(application, WRITTEN, "WriteValue", b"x", {})

    assert [("", WRITTEN, b"x")] == values.writes


def test_asking_whether_a_long_write_may_begin_writes_nothing(
    application: Application, values: RecordedValues
) -> None:
    """It comes before the write, which is judged when it comes."""
    asked = options(device=PHONE, prepare_authorize=True)

    reply = ask(application, WRITTEN, "WriteValue", b"", asked)

    assert Reply() == reply
    assert [] == values.writes


@pytest.mark.parametrize("code", list(AttError))
def test_a_refusal_has_the_name_for_its_code(
    application: Application, values: RecordedValues, code: AttError
) -> None:
    """So that bluetoothd answers with it."""
    values.refused = Refused(code, "why")

    with pytest.raises(DbusRefused, match="why") as refused:
        ask(application, READ_ONLY, "ReadValue", {})

    assert words.ERROR_OF[code] == refused.value.name


def test_a_fault_of_ours_has_a_name_that_bluez_does_not_know(
    application: Application, values: RecordedValues
) -> None:
    """Which it answers with 0x0E; our exception's text stays at home."""
    values.refused = ZeroDivisionError("secret")

    with pytest.raises(DbusRefused) as refused:
        ask(application, READ_ONLY, "ReadValue", {})

    assert words.UNLIKELY == refused.value.name
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("member", ["StartNotify", "StopNotify", "Confirm"])
def test_subscriptions_are_bluetoothds_business(application: Application, member: str) -> None:
    """They are taken note of, no more."""
    assert Reply() == ask(application, NOTIFIED, member)


@pytest.mark.parametrize(("offset", "expected"), [(0, b"written"), (4, b"ten"), (7, b"")])
def test_a_description_is_read_from_an_offset(
    application: Application, offset: int, expected: bytes
) -> None:
    """Long ones are read in parts too."""
    path = f"{application.path_of(WRITTEN)}/name"
    heard = Heard(":1.7", path, words.DESCRIPTOR, "ReadValue", (options(offset=offset),))

    assert Reply("ay", (expected,)) == application.answer(heard)


def test_a_description_ends(application: Application) -> None:
    """Beyond it there is an error."""
    path = f"{application.path_of(WRITTEN)}/name"
    heard = Heard(":1.7", path, words.DESCRIPTOR, "ReadValue", (options(offset=8),))

    with pytest.raises(DbusRefused) as refused:
        application.answer(heard)

    assert words.ERROR_OF[AttError.INVALID_OFFSET] == refused.value.name


def test_properties_are_read(application: Application) -> None:
    """One or all of them."""
    path = str(application.path_of(WRITTEN))
    everything = application.objects[path][words.CHARACTERISTIC]

    def get(member: str, *body: Any) -> Reply | None:
        body = (words.CHARACTERISTIC, *body)
        return application.answer(Heard(":1.7", path, words.PROPERTIES, member, body))

    assert Reply("a{sv}", (everything,)) == get("GetAll")
    assert Reply("v", (everything["UUID"],)) == get("Get", "UUID")


@pytest.mark.parametrize(
    ("member", "body", "name"),
    [
        ("Get", (words.CHARACTERISTIC, "Colour"), words.UNKNOWN_PROPERTY),
        ("Set", (words.CHARACTERISTIC, "UUID", Variant("s", "x")), words.PROPERTY_READ_ONLY),
        ("GetAll", ("org.bluez.Adapter1",), words.INVALID_ARGUMENTS),
        ("GetAll", (), words.INVALID_ARGUMENTS),
        ("Frobnicate", (words.CHARACTERISTIC,), words.UNKNOWN_METHOD),
    ],
)
def test_what_properties_cannot_do_is_said(
    application: Application, member: str, body: tuple[Any, ...], name: str
) -> None:
    """By D-Bus's own names."""
    path = str(application.path_of(WRITTEN))

    with pytest.raises(DbusRefused) as refused:
        application.answer(Heard(":1.7", path, words.PROPERTIES, member, body))

    assert name == refused.value.name


@pytest.mark.parametrize(
    ("path", "interface", "member", "body"),
    [
        ("/elsewhere", words.CHARACTERISTIC, "ReadValue", ({},)),
        (f"{ROOT}/service00", words.CHARACTERISTIC, "ReadValue", ({},)),
        (f"{ROOT}/service00/char00", words.CHARACTERISTIC, "Frobnicate", ()),
        (f"{ROOT}/service00/char00", words.CHARACTERISTIC, "ReadValue", ("no options",)),
        (f"{ROOT}/service00/char00", words.CHARACTERISTIC, "WriteValue", (b"x",)),
        (f"{ROOT}/service00/char00/name", words.DESCRIPTOR, "WriteValue", (b"x", {})),
    ],
)
def test_what_it_does_not_know_it_does_not_answer(
    application: Application, path: str, interface: str, member: str, body: tuple[Any, ...]
) -> None:
    """The bus says so in its own way."""
    assert application.answer(Heard(":1.7", path, interface, member, body)) is None
