"""Open a link and find out who answers.

`TryLink` moves the link to `connecting` on the engine thread; `ConnectDevice` does the blocking
part on the device's lane, and then either the device is polled or the link is tried again.
"""

from server.devices.driver import Driver
from server.devices.link_table import LinkEvent
from server.devices.plant import Device
from server.devices.probe import probe
from server.devices.profile import find_profile
from server.engine.task import Done, Failed, Kind, LaneView, Outcome, Submission, Verdict
from server.errors import Permanent, ProfileError, WrongDevice
from server.ledger.house import House
from server.model.device import Identity, LinkState
from server.model.notice import Level
from server.tasks.poll_device import PollDevice
from server.tasks.remember_device import RememberDevice

CONNECT_BUDGET_S = 20.0
"""One connect and identity check: some devices drop everything for two seconds after accept."""

AUTO = "auto"
"""The profile of a device that is to be probed at every connect."""


class TryLink:
    """It is time to connect: moves the link, then hands the blocking part to the lane."""

    kind = Kind.CONNECT
    lane = None
    slack_s = 0.0

    def __init__(self, house: House, device: Device) -> None:
        self._house = house
        self._device = device

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """Nothing is due for a device that was removed meanwhile."""
        link = self._device.link
        if link.state is LinkState.REMOVED:
            return Done()
        link.happened(LinkEvent.TRY, now, self._house.clock.utc_ms())
        return Done((Submission(ConnectDevice(self._house, self._device), now),))


class ConnectDevice:
    """Connect, and verify that the device is the one that is configured."""

    kind = Kind.CONNECT
    slack_s = 0.0
    budget_s = CONNECT_BUDGET_S

    def __init__(self, house: House, device: Device) -> None:
        self._house = house
        self._device = device
        self._expected = device.config.serial or house.plant.known_serial(device.config.device_id)
        self.lane = device.config.endpoint.lane

    def work(self, lane: LaneView) -> Identity:
        """Raises what the transport raises, WrongDevice, UnsupportedDevice or ProfileError."""
        device = self._device
        config = device.config
        device.transport.open()
        if config.profile == AUTO:
            identity = probe(device.transport, config.unit_id, self._house.adapters.profiles)
        else:
            identity = self._driver(config.profile).identify(device.transport)
        if self._expected and identity.serial and identity.serial != self._expected:
            raise WrongDevice(
                f"the device at {config.endpoint.host} says it is {identity.serial}, but "
                f"{config.device_id} has been {self._expected} until now: remove it and add the "
                "new one, so that their readings are not mixed"
            )
        return identity

    def abort(self) -> None:
        """Break the call in flight."""
        self._device.transport.abort()

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """Online: poll at once, then on the grid. Otherwise: try again later."""
        device, house = self._device, self._house
        if device.link.state is LinkState.REMOVED:
            return Done()
        if isinstance(outcome, Failed):
            return Done((retry(house, device, outcome.error, now),))
        assert isinstance(outcome.value, Identity)
        learned = house.plant.identified(device, outcome.value, now)
        device.link.happened(LinkEvent.CONNECTED, now, house.clock.utc_ms())
        poll = Submission(PollDevice(house, device, now, retry), now)
        # Remembered before its first reading can be committed: both go over the database's lane.
        return Done((Submission(RememberDevice(house, learned), now), poll) if learned else (poll,))

    def _driver(self, name: str) -> Driver:
        profile = find_profile(self._house.adapters.profiles, name)
        if profile is None:
            known = ", ".join(sorted(self._house.adapters.profiles))
            raise ProfileError(f"there is no profile named {name!r}; there are: {known}")
        return Driver(profile, self._device.config.unit_id)


def retry(house: House, device: Device, error: Exception, now: float) -> Submission:
    """Count the failure and say when the link is tried again."""
    at_ms = house.clock.utc_ms()
    device.failures += 1
    retry_at = device.link.failed(now, at_ms, str(error), house.draw())
    if isinstance(error, Permanent):
        name = device.config.name or device.config.device_id
        house.notices.post(
            f"device {device.config.device_id}",
            Level.ERROR,
            f"{name}: {error}",
            at_ms,
            device.config.device_id,
        )
    return Submission(TryLink(house, device), retry_at)
