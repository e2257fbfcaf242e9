"""A snapshot is drawn from the house, and from then on it does not move."""

from server.engine.engine import Engine
from server.engine.modes import RANKS, Mode
from server.ledger.portrait import Nameplate, draw
from server.model.notice import Level
from server.model.snapshot import Snapshot
from server.model.statistics import Statistics
from server_unit_test.ledger.readings import reading
from server_unit_test.tasks.houses import BOOT, Home

NOW = 1000.0
PLATE = Nameplate("1.2.3", "0123456789abcdef01", "ab" * 64, 5, "calm otter lagoon")


class Key:
    """`ports.Signer` that signs nothing here."""

    serial = "0123456789abcdef01"
    public_key = bytes([0xAB]) * 64

    def sign(self, message: bytes) -> bytes:
        """Nobody asks for it."""
        raise NotImplementedError


def statistics() -> Statistics:
    """An engine at rest."""
    return Engine(RANKS[Mode.RUNNING]).statistics(NOW, wakeups=0, inbox=0, inbox_refused=0)


def drawn(home: Home, now: float = NOW) -> Snapshot:
    """The house now."""
    return draw(home.house, PLATE, statistics(), 7, now)


def test_the_nameplate_shows_the_identity_without_the_key() -> None:
    """Serial, and the public key in hexadecimal digits."""
    assert PLATE == Nameplate.of(Key(), "1.2.3", 5, "calm otter lagoon")


def test_the_boot_is_written_as_sixteen_digits(home: Home) -> None:
    """A 64-bit number does not survive JSON as a number."""
    gateway = drawn(home).gateway

    assert "0123456789abcdef" == gateway.boot == format(BOOT, "016x")
    assert ("1.2.3", "0123456789abcdef01", 5) == (
        gateway.version,
        gateway.serial,
        gateway.started_at_ms,
    )


def test_a_box_without_a_name_is_called_by_its_three_words(home: Home) -> None:
    """Until its owner calls it something else."""
    unnamed = drawn(home).gateway.name
    home.house.settings = home.house.settings.changed({"name": "Cellar"})

    assert ("calm otter lagoon", "Cellar") == (unnamed, drawn(home).gateway.name)


def test_everything_in_the_house_is_in_the_picture(home: Home) -> None:
    """Devices, sinks, store, notices, settings; with the number it was given."""
    home.device("a")
    home.feed("sink")
    home.house.buffer.add(reading(1))
    home.house.notices.post("k", Level.INFO, "text", 1)

    snapshot = drawn(home)

    assert (7, home.clock.utc_ms()) == (snapshot.version, snapshot.at_ms)
    assert ["a"] == [each.config.device_id for each in snapshot.devices]
    assert ["sink"] == [each.sink_id for each in snapshot.sinks]
    assert 1 == snapshot.store.buffered
    assert ["text"] == [each.text for each in snapshot.notices]
    assert home.house.configuration is snapshot.configuration


def test_health_is_said_with_its_reason(home: Home) -> None:
    """Healthy means that there is no reason not to be."""
    well = drawn(home).gateway
    home.house.buffer.add(reading(0))

    ill = drawn(home, NOW + 62.0).gateway

    assert (True, "") == (well.healthy, well.health)
    assert not ill.healthy and "no reading has reached the disk" in ill.health


def test_a_snapshot_does_not_move_with_the_house(home: Home) -> None:
    """What happens afterwards is in the next one."""
    before = drawn(home)

    home.house.buffer.add(reading(1))
    home.device("a")

    assert (0, ()) == (before.store.buffered, before.devices)
