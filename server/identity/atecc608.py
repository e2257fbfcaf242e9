"""An ATECC608 on a Linux I2C bus, as cryptoauthlib reaches it. Knows no identity and no file.

The library is an extra (`pip install egret[secure_element]`): without it there is no chip.
"""

import importlib
from types import ModuleType
from typing import Any

from server.identity.secure_element import ChipBlank, ChipSilent

I2C_BUS = 1
"""/dev/i2c-1: the bus on the header of every Raspberry Pi."""

ADDRESSES = (0x6A, 0xC0)
"""Eight-bit I2C addresses: of the Trust&GO chips that gateways carry, and the factory's default."""

KEY_SLOT = 0

_CONFIGURATION_ZONE, _DATA_ZONE = 0, 1
_NOT_ANSWERING = "no chip answers on I2C bus {bus}"


class Atecc608:
    """`secure_element.Chip`. One thread at a time; there is one per process."""

    def __init__(self, bus: int = I2C_BUS) -> None:
        self._bus = bus
        self._library: ModuleType | None = None
        self._configuration: Any = None

    def reach(self) -> bytes:
        """Wake it at the first address that answers. Raises ChipSilent."""
        library = self._loaded()
        for address in ADDRESSES:
            library.atcab_release()
            self._configuration = _configuration(library, self._bus, address)
            if library.atcab_init(self._configuration) != 0:
                continue
            serial = bytearray(9)
            if library.atcab_read_serial_number(serial) == 0:
                return bytes(serial)
        raise ChipSilent(_NOT_ANSWERING.format(bus=self._bus))

    def public_key(self) -> bytes:
        """The public half of slot 0. Raises ChipBlank, ChipSilent."""
        library = self._loaded()
        for zone, name in ((_CONFIGURATION_ZONE, "configuration"), (_DATA_ZONE, "data")):
            locked = library.AtcaReference(0)
            _check(library.atcab_is_locked(zone, locked), "whether it is locked")
            if not locked.value:
                raise ChipBlank(f"its {name} zone has not been locked")
        point = bytearray(64)
        status = library.atcab_get_pubkey(KEY_SLOT, point)
        if status == library.Status.ATCA_EXECUTION_ERROR:
            raise ChipBlank(f"slot {KEY_SLOT} holds no key")
        _check(status, "its public key")
        return bytes(point)

    def sign(self, digest: bytes) -> bytes:
        """Slot 0 over a digest of 32 bytes. Raises ChipSilent."""
        signature = bytearray(64)
        _check(self._loaded().atcab_sign(KEY_SLOT, digest, signature), "a signature")
        return bytes(signature)

    def _loaded(self) -> ModuleType:
        if self._library is None:
            try:
                library = importlib.import_module("cryptoauthlib")
            except ImportError as error:
                raise ChipSilent("cryptoauthlib is not installed") from error
            try:
                library.load_cryptoauthlib()
            except library.LibraryLoadError as error:
                raise ChipSilent("cryptoauthlib was made for another machine") from error
            self._library = library
        return self._library


def _configuration(library: ModuleType, bus: int, address: int) -> Any:
    configuration = library.cfg_ateccx08a_i2c_default()
    configuration.devtype = int(library.ATCADeviceType.ATECC608)
    configuration.cfg.atcai2c.bus = bus
    configuration.cfg.atcai2c.address = address
    return configuration


def _check(status: int, asked: str) -> None:
    if status != 0:
        raise ChipSilent(f"asked for {asked} it fails with status 0x{status & 0xFF:02x}")
