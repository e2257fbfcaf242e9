"""An attribute server that passes offsets on."""

from typing import Any

import pytest
from bumble import att
from bumble.device import Connection
from bumble.gatt import Characteristic, Service

from virtual_radio.bluez_bus.attributes import BluezServer, Remote
from virtual_radio.central import Central
from virtual_radio.gatt import GattError, characteristic, service
from virtual_radio.peripheral import Peripheral
from virtual_radio.session import Session

SERVICE = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
REMOTE = "6e400002-b5a3-f393-e0a9-e50e24dcca9e"
HIDDEN = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"
OWN = "7e400001-b5a3-f393-e0a9-e50e24dcca9e"
OWN_VALUE = "7e400002-b5a3-f393-e0a9-e50e24dcca9e"

VALUE = bytes(range(100))

_P = Characteristic.Properties
READS = _P.READ | _P.WRITE | _P.WRITE_WITHOUT_RESPONSE


class Holder:
    """Holds a value, and says how it was asked for it."""

    def __init__(self) -> None:
        self.ignores_offset = False
        self.offsets: list[int] = []
        self.written: list[tuple[bytes, str]] = []
        self.error: int | None = None

    async def read_at(self, connection: Connection, offset: int) -> bytes:
        """Everything from the offset, unless told to be wrong."""
        self.offsets.append(offset)
        if self.error:
            raise att.ATT_Error(self.error)
        return VALUE if self.ignores_offset else VALUE[offset:]

    async def write_as(self, connection: Connection, value: bytes, how: str) -> None:
        """Remembers it."""
        if self.error:
            raise att.ATT_Error(self.error)
        self.written.append((value, how))

    def serve(self, server: BluezServer) -> None:
        """As the only service beside the device's own."""
        value: Any = att.AttributeValue(
            read=lambda connection: self.read_at(connection, 0),
            write=lambda connection, value: self.write_as(connection, value, "request"),
        )
        readable = att.Attribute.READABLE | att.Attribute.WRITEABLE
        one: Any = Characteristic(REMOTE, READS, readable, value)
        hidden: Any = Characteristic(HIDDEN, _P.WRITE, att.Attribute.WRITEABLE, value)
        remote = Remote(self.read_at, self.write_as)
        server.serve([(Service(SERVICE, [one, hidden]), {one: remote, hidden: remote})])


@pytest.fixture
def holder() -> Holder:
    """It holds VALUE."""
    return Holder()


@pytest.fixture
def server(peripheral: Peripheral, holder: Holder) -> BluezServer:
    """Beside it the device serves a value of its own."""
    peripheral.serve([service(OWN, characteristic(OWN_VALUE, "read", "write", value=VALUE))])
    made = BluezServer(peripheral.device)
    holder.serve(made)
    return made


async def connect(central: Central, peripheral: Peripheral) -> Session:
    """At the least MTU there is."""
    return await central.connect(await central.find(address=peripheral.address))


async def test_every_part_is_asked_for(
    server: BluezServer, holder: Holder, peripheral: Peripheral, central: Central
) -> None:
    """With its offset, as bluetoothd does."""
    session = await connect(central, peripheral)

    read = await session.read(REMOTE)

    assert VALUE == read
    assert [0, 22, 44, 66, 88] == holder.offsets


async def test_a_holder_that_ignores_the_offset_is_found_out(
    server: BluezServer, holder: Holder, peripheral: Peripheral, central: Central
) -> None:
    """Nothing repairs its answer on the way."""
    holder.ignores_offset = True
    session = await connect(central, peripheral)
    request = att.ATT_Read_Blob_Request(
        attribute_handle=session.find(REMOTE).handle, value_offset=22
    )

    answer = await session.ask(session.peer.gatt_client.send_request(request))

    assert VALUE[:22] == answer.part_attribute_value


async def test_an_error_of_the_holder_is_the_answer(
    server: BluezServer, holder: Holder, peripheral: Peripheral, central: Central
) -> None:
    """Of a read and of a write; a write without response has none."""
    session = await connect(central, peripheral)
    holder.error = 0x08

    with pytest.raises(GattError) as read:
        await session.read(REMOTE)
    with pytest.raises(GattError) as written:
        await session.write(REMOTE, b"x")
    await session.write_without_response(REMOTE, b"x")
    holder.error = None

    assert [0x08, 0x08] == [read.value.code, written.value.code]
    assert VALUE == await session.read(REMOTE)


async def test_a_write_says_how_it_came(
    server: BluezServer, holder: Holder, peripheral: Peripheral, central: Central
) -> None:
    """With or without response; parts are joined."""
    session = await connect(central, peripheral)

    await session.write_without_response(REMOTE, b"1")
    await session.write(REMOTE, b"2")
    await session.write(REMOTE, VALUE)

    assert [(b"1", "command"), (b"2", "request"), (VALUE, "request")] == holder.written


async def test_what_may_not_be_read_is_not_asked_for(
    server: BluezServer, holder: Holder, peripheral: Peripheral, central: Central
) -> None:
    """bluetoothd refuses by itself."""
    session = await connect(central, peripheral)

    with pytest.raises(GattError) as refused:
        await session.read(HIDDEN)

    assert att.ATT_READ_NOT_PERMITTED_ERROR == refused.value.code
    assert [] == holder.offsets


async def test_the_devices_own_values_stay(
    server: BluezServer, peripheral: Peripheral, central: Central
) -> None:
    """They are read whole and written."""
    session = await connect(central, peripheral)

    await session.write(OWN_VALUE, VALUE[::-1])
    await session.write_without_response(OWN_VALUE, b"short")

    assert b"short" == await session.read(OWN_VALUE)


@pytest.mark.parametrize(
    ("request_pdu", "code"),
    [
        (att.ATT_Read_Request(attribute_handle=999), att.ATT_INVALID_HANDLE_ERROR),
        (
            att.ATT_Read_Blob_Request(attribute_handle=999, value_offset=0),
            att.ATT_INVALID_HANDLE_ERROR,
        ),
    ],
)
async def test_a_handle_that_is_none_is_refused(
    server: BluezServer,
    peripheral: Peripheral,
    central: Central,
    request_pdu: att.ATT_PDU,
    code: int,
) -> None:
    """And a write without response to it changes nothing."""
    session = await connect(central, peripheral)
    command = att.ATT_Write_Command(attribute_handle=999, attribute_value=b"x")
    await session.peer.gatt_client.send_command(command)

    answer = await session.ask(session.peer.gatt_client.send_request(request_pdu))

    assert code == answer.error_code


async def test_beyond_the_end_of_an_own_value_is_an_error(
    server: BluezServer, peripheral: Peripheral, central: Central
) -> None:
    """As for everybody's."""
    session = await connect(central, peripheral)
    request = att.ATT_Read_Blob_Request(
        attribute_handle=session.find(OWN_VALUE).handle, value_offset=101
    )

    answer = await session.ask(session.peer.gatt_client.send_request(request))

    assert att.ATT_INVALID_OFFSET_ERROR == answer.error_code


async def test_serving_something_else_forgets_what_was(
    server: BluezServer, holder: Holder, peripheral: Peripheral, central: Central
) -> None:
    """A central that connects later finds only the device's own."""
    server.serve([])

    session = await connect(central, peripheral)

    assert SERVICE not in session.services
    assert OWN in session.services
