"""An attribute server that reads as bluetoothd does: every Read Blob asks the application again.

Bumble's own server asks for the whole value each time and cuts it itself, which hides a peripheral
that ignores the offset. Here the offset goes through to whoever holds the value, and what comes
back is sent as it is, at most MTU - 1 bytes. Source: BlueZ 5.66, src/shared/gatt-server.c.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from bumble import att, utils
from bumble.device import Connection, Device
from bumble.gatt import Service
from bumble.gatt_server import Server

ReadAt = Callable[[Connection, int], Awaitable[bytes]]
"""Reads from an offset. Raises ATT_Error."""

WriteAs = Callable[[Connection, bytes, str], Awaitable[None]]
"""Writes; the last argument is BlueZ's word for how: `request`, `command` or `reliable`."""


_in_task = utils.AsyncRunner.run_in_task()  # type: ignore[no-untyped-call]
"""Bumble's own way to answer later; it keeps the task."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A value that somebody else holds."""

    read_at: ReadAt
    write_as: WriteAs


class BluezServer(Server):
    """Takes the place of `device.gatt_server`."""

    def __init__(self, device: Device) -> None:
        super().__init__(device)
        before: Server = device.gatt_server
        for name in ("services", "attributes", "attributes_by_handle"):
            setattr(self, name, getattr(before, name))
        self._own_attributes = len(self.attributes)
        self._own_services = len(self.services)
        self._remote: dict[int, Remote] = {}
        device.gatt_server = self

    def serve(self, services: list[tuple[Service, dict[Any, Remote]]]) -> None:
        """Serve exactly these beside the device's own; who holds the values is beside each."""
        del self.attributes[self._own_attributes :]
        del self.services[self._own_services :]
        self.attributes_by_handle.clear()
        self.subscribers.clear()
        self._remote.clear()
        for service, remotes in services:
            self.add_service(service)
            self._remote |= {attribute.handle: remote for attribute, remote in remotes.items()}

    @_in_task  # type: ignore[untyped-decorator]
    async def on_att_read_request(self, bearer: Connection, request: att.ATT_Read_Request) -> None:
        """Vol 3, Part F, 3.4.4.3."""
        await self._answer_read(bearer, request, 0, att.ATT_Read_Response)

    @_in_task  # type: ignore[untyped-decorator]
    async def on_att_read_blob_request(
        self, bearer: Connection, request: att.ATT_Read_Blob_Request
    ) -> None:
        """Vol 3, Part F, 3.4.4.5."""
        offset = request.value_offset
        await self._answer_read(bearer, request, offset, att.ATT_Read_Blob_Response)

    @_in_task  # type: ignore[untyped-decorator]
    async def on_att_write_command(
        self, bearer: Connection, request: att.ATT_Write_Command
    ) -> None:
        """Vol 3, Part F, 3.4.5.3: no answer, whatever happens."""
        try:
            await self._write(bearer, request.attribute_handle, request.attribute_value, "command")
        except att.ATT_Error:
            return

    async def _answer_read(
        self, bearer: Connection, request: Any, offset: int, response: Callable[..., att.ATT_PDU]
    ) -> None:
        handle = request.attribute_handle
        try:
            value = await self._read(bearer, handle, offset)
        except att.ATT_Error as error:
            answer: att.ATT_PDU = att.ATT_Error_Response(
                request_opcode_in_error=request.op_code,
                attribute_handle_in_error=handle,
                error_code=error.error_code,
            )
        else:
            part = value[: bearer.att_mtu - 1]
            name = "part_attribute_value" if offset or _is_blob(request) else "attribute_value"
            answer = response(**{name: part})
        self.send_response(bearer, answer)

    async def _read(self, bearer: Connection, handle: int, offset: int) -> bytes:
        attribute = self.get_attribute(handle)
        if attribute is None:
            raise att.ATT_Error(att.ATT_INVALID_HANDLE_ERROR)
        if handle in self._remote:
            if not attribute.permissions & att.Attribute.READABLE:
                raise att.ATT_Error(att.ATT_READ_NOT_PERMITTED_ERROR)
            return await self._remote[handle].read_at(bearer, offset)
        value = bytes(await attribute.read_value(bearer))
        if offset > len(value):
            raise att.ATT_Error(att.ATT_INVALID_OFFSET_ERROR)
        return value[offset:]

    async def _write(self, bearer: Connection, handle: int, value: bytes, how: str) -> None:
        attribute = self.get_attribute(handle)
        if attribute is None:
            raise att.ATT_Error(att.ATT_INVALID_HANDLE_ERROR)
        if handle in self._remote:
            await self._remote[handle].write_as(bearer, value, how)
        else:
            await attribute.write_value(bearer, value)


def _is_blob(request: Any) -> bool:
    return isinstance(request, att.ATT_Read_Blob_Request)
