"""The plant: configured devices, their links, and the latest value of each.

Mutable, owned by the engine thread. It knows no transport's protocol and no database: it is
given a Polled and makes a Reading of it. One endpoint has one session, shared by the devices
behind it, because many devices accept a single client.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from server.devices.driver import Driver, Polled
from server.devices.link import Link
from server.devices.profile import Profile
from server.model.delivery import DeviceFacts
from server.errors import DeviceUnreachable
from server.model.device import Account, DeviceConfig, Endpoint, Identity, Space
from server.model.reading import ClockQuality, Reading
from server.model.snapshot import DeviceView, Refusal
from server.ports import Transport

OpenTransport = Callable[[Endpoint, Account], Transport]


@dataclass(frozen=True, slots=True)
class Moment:
    """When something was read: the three clocks of a reading."""

    utc_ms: int
    uptime_ms: int
    clock: ClockQuality


REASK_REFUSED_S = 86_400.0
"""How long a refused register is left alone: one refused while the inverter woke up comes back."""


class Session:
    """`ports.Transport` that can be given back for good: what still holds it gets an error.

    A probe or poll that was queued before its device was removed would otherwise open the
    connection again, and keep a device that accepts a single client occupied.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._retired = False

    def open(self) -> None:
        """As the transport; DeviceUnreachable once retired."""
        if self._retired:
            raise DeviceUnreachable("the device was removed")
        self._transport.open()

    def read(self, unit_id: int, space: Space, address: int, count: int) -> tuple[int, ...]:
        """As the transport; DeviceUnreachable once retired."""
        if self._retired:
            raise DeviceUnreachable("the device was removed")
        return self._transport.read(unit_id, space, address, count)

    def write(self, unit_id: int, address: int, words: Sequence[int]) -> None:
        """As the transport; DeviceUnreachable once retired."""
        if self._retired:
            raise DeviceUnreachable("the device was removed")
        self._transport.write(unit_id, address, words)

    def retire(self) -> None:
        """Never connect again; what is open is closed by `close`, on the lane."""
        self._retired = True

    def close(self) -> None:
        """As the transport."""
        self._transport.close()

    def abort(self) -> None:
        """As the transport."""
        self._transport.abort()


class Device:
    """One configured device and what is known of it now."""

    def __init__(self, config: DeviceConfig, transport: Session, link: Link) -> None:
        self.config = config
        self.transport = transport
        self.link = link
        self.driver: Driver | None = None
        self.driver_since = 0.0
        self.identity: Identity | None = None
        self.latest: Reading | None = None
        self.refused: tuple[Refusal, ...] = ()
        self.polls = 0
        self.failures = 0
        self.missed = 0

    @property
    def facts(self) -> DeviceFacts:
        """What sinks say about it."""
        identity = self.identity
        return DeviceFacts(
            device_id=self.config.device_id,
            name=self.config.name,
            profile=identity.profile if identity else self.config.profile,
            serial=(identity.serial if identity else "") or self.config.serial,
            model=(identity.model if identity else "") or self.config.model,
        )

    def view(self, now: float, at_ms: int) -> DeviceView:
        """The device as the API shows it."""
        link = self.link
        wait_s = None if link.retry_at is None else max(0.0, link.retry_at - now)
        return DeviceView(
            config=self.config,
            state=link.state,
            since_ms=link.since_ms,
            error=link.error,
            retry_at_ms=None if wait_s is None else at_ms + round(wait_s * 1000),
            identity=self.identity,
            latest=self.latest,
            refused=self.refused,
            polls=self.polls,
            failures=self.failures,
            missed=self.missed,
        )


class Plant:
    """See the module's docstring."""

    def __init__(
        self,
        profiles: Mapping[str, Profile],
        open_transport: OpenTransport,
        last_taken_at_ms: Mapping[str, int],
        known: Mapping[str, DeviceFacts] | None = None,
    ) -> None:
        """`known` is what was learned of devices before this start."""
        self.profiles = profiles
        self.devices: dict[str, Device] = {}
        self.facts: Mapping[str, DeviceFacts] = MappingProxyType(dict(known or {}))
        """What was last learned of each device, also before this start and after its removal.
        Replaced as a whole, so that other threads may keep what they were given."""
        self._open_transport = open_transport
        self._last_ms = dict(last_taken_at_ms)

    def add(
        self, config: DeviceConfig, now: float, at_ms: int, account: Account | None = None
    ) -> Device:
        """Take a device in; raises KeyError when its id is taken.

        `account` is its endpoint's, its own where none is given; a shared session keeps its own.
        """
        if config.device_id in self.devices:
            raise KeyError(config.device_id)
        shared = self.session_of(config.endpoint)
        if shared is None:
            shared = Session(self._open_transport(config.endpoint, account or config.account))
        facts = self.facts.get(config.device_id)
        if facts is not None and not config.serial:  # What it is is known while it is silent, too.
            config = replace(config, serial=facts.serial, model=config.model or facts.model)
        device = Device(config, shared, Link(config.device_id, now, at_ms))
        self.devices[config.device_id] = device
        return device

    def remove(self, device_id: str) -> tuple[Device, Session | None]:
        """Forget a device; also returns the session, retired, to close if nobody else uses it."""
        device = self.devices.pop(device_id)
        if self.session_of(device.config.endpoint) is not None:
            return device, None
        device.transport.retire()
        return device, device.transport

    def known_serial(self, device_id: str) -> str:
        """The serial that a device of this id has said it has, "" if it never did."""
        facts = self.facts.get(device_id)
        return facts.serial if facts else ""

    def identified(self, device: Device, identity: Identity, now: float) -> DeviceFacts | None:
        """A connect found out who answers: make the driver that polls it.

        Returns what is to be remembered of it, None when that is known already.
        """
        device.identity = identity
        if device.driver is None or device.driver.profile.name != identity.profile:
            profile = self.profiles[identity.profile]
            config = device.config
            scheme = config.endpoint.scheme
            device.driver = Driver(profile, config.unit_id, device.refused, scheme)
            device.driver_since = now
        if not device.config.serial and identity.serial:
            device.config = replace(device.config, serial=identity.serial, model=identity.model)
        facts = device.facts
        if self.facts.get(facts.device_id) == facts:
            return None
        self.facts = MappingProxyType({**self.facts, facts.device_id: facts})
        return facts

    def reask(self, device: Device, now: float) -> None:
        """Once a day, ask again for what a device refuses or may refuse; between two polls."""
        driver, config = device.driver, device.config
        if driver is None or now - device.driver_since < REASK_REFUSED_S:
            return
        if device.refused or driver.doubts:
            scheme = config.endpoint.scheme
            device.driver = Driver(driver.profile, config.unit_id, scheme=scheme)
            device.driver_since = now

    def accept(self, device: Device, polled: Polled, moment: Moment) -> Reading:
        """Make the device's next reading, in another millisecond than the one before.

        The store sees to it that no two share one, whatever the wall clock does.
        """
        device.polls += 1
        device.refused = polled.refused
        device_id = device.config.device_id
        taken_at_ms = moment.utc_ms
        last_ms = self._last_ms.get(device_id)
        if taken_at_ms == last_ms:
            taken_at_ms += 1
        self._last_ms[device_id] = taken_at_ms
        device.latest = Reading(
            device=device_id,
            taken_at_ms=taken_at_ms,
            uptime_ms=moment.uptime_ms,
            clock=moment.clock,
            values=polled.values,
            words=polled.words,
        )
        return device.latest

    def session_of(self, endpoint: Endpoint) -> Session | None:
        """The session that a configured device has with this endpoint."""
        for device in self.devices.values():
            if device.config.endpoint == endpoint:
                return device.transport
        return None
