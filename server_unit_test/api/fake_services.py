"""Services with canned answers and a real key."""

from collections.abc import Mapping

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from server.api.services import Services, Supported
from server.errors import SettingsError
from server.host.interfaces import Interface
from server.host.system import SystemFigures
from server.model.access import Protection
from server.model.exposure import Exposure
from server_unit_test.api.fake_desk import SERIAL
from server_unit_test.contracts.fake_clock import FakeClock

FIGURES = SystemFigures(
    uptime_s=86400.5,
    load=(0.1, 0.2, 0.3),
    memory_total_bytes=1_000_000_000,
    memory_available_bytes=750_000_000,
    memory_free_bytes=500_000_000,
    temperature_c=48.2,
)
INTERFACES = (
    Interface("end0", "", "02:00:00:00:00:01", wired=True),
    Interface(
        "wlan0", "192.0.2.3", "02:00:00:00:00:02", wireless=True, up=True, default_route=True
    ),
    Interface("docker0", "172.17.0.1", "02:00:00:00:00:03", up=True),
)
FAMILIES = (
    Supported("sungrow_hybrid", "Sungrow hybrid", ("SH10RT", "SH5.0RT")),
    Supported("sungrow_string", "Sungrow string", ("SG5.0RT",)),
)
EVERYBODY_ENTERS = Exposure(Protection.OPEN)
_SECRET = 0x1B0C_5D7E_33A1


class FakeSigner:
    """`ports.Signer` with a key that is the same in every test."""

    def __init__(self) -> None:
        self.key = ec.derive_private_key(_SECRET, ec.SECP256R1())
        self.signed: list[bytes] = []

    @property
    def serial(self) -> str:
        """18 digits."""
        return SERIAL

    @property
    def public_key(self) -> bytes:
        """x then y."""
        numbers = self.key.public_key().public_numbers()
        return numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")

    def sign(self, message: bytes) -> bytes:
        """r then s."""
        self.signed.append(message)
        r, s = decode_dss_signature(self.key.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


class FakeLoggers:
    """Two loggers."""

    def __init__(self) -> None:
        self.levels = {"root": "WARNING", "server": "INFO"}

    def level_of(self) -> Mapping[str, str]:
        """All of them."""
        return dict(self.levels)

    def set_level(self, name: str, level: str) -> None:
        """Set one that exists."""
        if name not in self.levels:
            raise SettingsError(f"logger: there is none named {name!r}")
        self.levels[name] = level


def fake_services(
    clock: FakeClock | None = None, exposure: Exposure = EVERYBODY_ENTERS
) -> Services:
    """A full set."""
    loggers = FakeLoggers()
    return Services(
        signer=FakeSigner(),
        clock=clock or FakeClock(),
        version="0.1.0",
        supported=FAMILIES,
        network_address=lambda: "192.0.2.2",
        system=lambda: FIGURES,
        log_level_of=loggers.level_of,
        set_log_level=loggers.set_level,
        interfaces=lambda: INTERFACES,
        names=("egret", "egret.local"),
        exposure=exposure,
    )
