"""A phone, as far as BLE goes: scans, connects, asks.

Several may live in one radio. Each may keep several connections, but sets up one at a time, as the
standard has it.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from bumble import core, hci
from bumble.device import Connection, ConnectionParametersPreferences, Device

from virtual_radio.air import Air
from virtual_radio.controller import RadioController
from virtual_radio.host import hang_up
from virtual_radio.scanner import Scanner
from virtual_radio.seen import Seen
from virtual_radio.session import Session

logger = logging.getLogger(__name__)

SCAN_TIMEOUT_S = 10.0
CONNECT_TIMEOUT_S = 10.0
"""How long a central looks and waits if it is not told otherwise."""
SUPERVISION_TIMEOUT_MS = 720
"""What a central asks for if it is not told otherwise."""

Peer = str | hci.Address | Seen
"""Whom to connect to: an address as text, or what a scan found."""


class NotFound(LookupError):
    """Nobody of that description advertises within range."""


class ConnectFailed(ConnectionError):
    """The connection was refused; `status` is that of HCI (Vol 1, Part F)."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the connection failed with HCI status 0x{status:02X}")
        self.status = status


class Central:
    """One central. Made by `Radio.central()`."""

    def __init__(self, device: Device, controller: RadioController, air: Air) -> None:
        self.device = device
        self.controller = controller
        self.scanner = Scanner(device)
        self._air = air
        self._connecting = asyncio.Lock()

    @property
    def address(self) -> str:
        """Its own, as text."""
        return self.device.random_address.to_string(False)

    async def scan(self, seconds: float, active: bool = True) -> list[Seen]:
        """Everybody who was heard, the latest word of each. In the order of their first."""
        seen: dict[str, Seen] = {}

        def heard(one: Seen) -> None:
            seen[one.address_text] = one

        await self.scanner.add(heard, active)
        try:
            await asyncio.sleep(seconds)
        finally:
            await self.scanner.remove(heard)
        return list(seen.values())

    async def find(
        self,
        *,
        name: str | None = None,
        service: str | None = None,
        address: str | None = None,
        timeout_s: float = SCAN_TIMEOUT_S,
    ) -> Seen:
        """The first one that fits everything asked for. Raises NotFound."""
        found: asyncio.Future[Seen] = asyncio.get_running_loop().create_future()

        def heard(one: Seen) -> None:
            fits = name in (None, one.name) and address in (None, one.address_text)
            if fits and (service is None or service in one.service_uuids) and not found.done():
                found.set_result(one)

        await self.scanner.add(heard)
        try:
            return await asyncio.wait_for(found, timeout_s)
        except TimeoutError as nobody:
            asked = name or service or address or "anybody"
            raise NotFound(f"{asked} was not heard within {timeout_s:g} s") from nobody
        finally:
            await self.scanner.remove(heard)

    async def connect(
        self,
        peer: Peer,
        *,
        mtu: int | None = None,
        timeout_s: float | None = CONNECT_TIMEOUT_S,
        supervision_timeout_ms: int = SUPERVISION_TIMEOUT_MS,
        discover: bool = True,
    ) -> Session:
        """Connect, agree on `mtu` (None: do not ask, which leaves 23), discover everything.
        `timeout_s` is for the connection alone; None waits until it is cancelled.

        Raises NotFound (nobody answered in time), ConnectFailed, Disconnected.
        """
        async with self._connecting:
            connection = await self._connect(self._address(peer), timeout_s, supervision_timeout_ms)
        session = Session(connection, mtu)
        if discover:
            try:
                await session.discover()
            except BaseException:
                await session.disconnect()
                raise
        return session

    async def close(self) -> None:
        """End all connections; the controller stays in the air. Idempotent."""
        for connection in list(self.device.connections.values()):
            await hang_up(connection)

    def _address(self, peer: Peer) -> hci.Address:
        if isinstance(peer, Seen):
            return peer.address
        if isinstance(peer, str):
            return self._air.owner(peer) or hci.Address(peer)
        return peer

    async def _connect(
        self, address: hci.Address, timeout_s: float | None, supervision_timeout_ms: int
    ) -> Connection:
        preferences = ConnectionParametersPreferences(supervision_timeout=supervision_timeout_ms)
        connecting = asyncio.ensure_future(
            self.device.connect(
                address, connection_parameters_preferences={hci.Phy.LE_1M: preferences}
            )
        )
        try:
            await asyncio.wait({connecting}, timeout=timeout_s)
        finally:
            late = not connecting.done()
            if late:
                await _whatever_happens(self._give_up(connecting))
        if late:
            raise NotFound(f"{address.to_string(False)} did not answer within {timeout_s:g} s")
        try:
            return connecting.result()
        except (core.ConnectionError, core.ProtocolError) as failed:
            raise ConnectFailed(failed.error_code or 0) from failed

    async def _give_up(self, connecting: "asyncio.Future[Connection]") -> None:
        """Nobody waits any longer: leave neither a pending connection nor one that came."""
        try:
            await self.device.cancel_connection()  # type: ignore[no-untyped-call]  # Bumble's
        except core.ProtocolError as refused:
            logger.debug("there was nothing to cancel", extra={"reason": str(refused)})
        await asyncio.wait({connecting})
        if not connecting.cancelled() and connecting.exception() is None:
            await hang_up(connecting.result())


async def _whatever_happens(work: Coroutine[Any, Any, None]) -> None:
    """Do it to its end, even if whoever waits for it is cancelled meanwhile."""
    task = asyncio.ensure_future(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            cancelled = True
    task.result()
    if cancelled:
        raise asyncio.CancelledError
