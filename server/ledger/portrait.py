"""Draws a Snapshot of the house: one immutable value, for everybody who only looks."""

from dataclasses import dataclass

from server.ledger.house import House
from server.ledger.review import unhealthy
from server.model.snapshot import GatewayView, Snapshot
from server.model.statistics import Statistics
from server.ports import Signer


@dataclass(frozen=True, slots=True)
class Nameplate:
    """What never changes while the process runs."""

    version: str
    serial: str
    public_key: str
    started_at_ms: int
    name: str = "Egret"
    """What the box is called until its owner calls it something else."""

    @classmethod
    def of(cls, signer: Signer, version: str, started_at_ms: int, name: str) -> "Nameplate":
        """From the signer's identity."""
        return cls(version, signer.serial, signer.public_key.hex(), started_at_ms, name)


def draw(house: House, plate: Nameplate, engine: Statistics, number: int, now: float) -> Snapshot:
    """Everything, at this moment."""
    at_ms = house.clock.utc_ms()
    delivery = house.delivery
    return Snapshot(
        version=number,
        at_ms=at_ms,
        gateway=_gateway(house, plate, house.trial.reason or unhealthy(house, engine, now), now),
        devices=tuple(each.view(now, at_ms) for each in house.plant.devices.values()),
        sinks=tuple(each.view(delivery.head, now, at_ms) for each in delivery.outlets.values()),
        store=house.disk.view(house.buffer),
        engine=engine,
        notices=house.notices.shown(),
        configuration=house.configuration,
        wifi=house.wifi.view,
        door=house.door.view(now),
    )


def _gateway(house: House, plate: Nameplate, health: str, now: float) -> GatewayView:
    return GatewayView(
        name=house.configuration.name or plate.name,
        serial=plate.serial,
        public_key=plate.public_key,
        version=plate.version,
        boot=format(house.buffer.boot, "016x"),
        mode=str(house.mode),
        mode_since_ms=house.mode_since_ms,
        started_at_ms=plate.started_at_ms,
        uptime_ms=house.uptime_ms(now),
        clock=house.clock.quality(),
        healthy=not health,
        health=health,
    )
