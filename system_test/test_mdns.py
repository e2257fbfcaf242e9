"""The announcement, heard by another listener on this machine's loopback."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from zeroconf import ServiceInfo, Zeroconf

from server.host import mdns
from server.host.mdns import TYPES, Advertiser, Sign

SIGN = Sign("calm otter lagoon", "egret-ef01", 8080, {"version": "1.2.3", "serial": "0123"})
LISTEN_MS = 10_000


@contextmanager
def announcing(sign: Sign, addresses: list[str]) -> Iterator[Advertiser]:
    """An announcement that goes on until the end of the block."""
    advertiser = Advertiser(sign, lambda: addresses)
    advertiser.start()
    try:
        yield advertiser
    finally:
        advertiser.stop()


def heard(kind: str, name: str) -> ServiceInfo | None:
    """What another machine would find."""
    listener = Zeroconf(interfaces=["127.0.0.1"])
    try:
        return listener.get_service_info(kind, f"{name}.{kind}", timeout=LISTEN_MS)
    finally:
        listener.close()


@pytest.mark.parametrize("kind", TYPES)
def test_the_box_is_found_under_both_types(kind: str) -> None:
    """With its port, version and serial number."""
    sign = replace(SIGN, name=f"box {kind[1:5]}")
    with announcing(sign, ["127.0.0.1"]) as advertiser:
        advertiser.told.wait(LISTEN_MS / 1000)
        found = heard(kind, sign.name)

    assert found is not None
    assert (8080, "egret-ef01.local.") == (found.port, found.server)
    assert {b"version": b"1.2.3", b"serial": b"0123"} == found.properties


def test_new_addresses_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cable that is plugged in later; until there is one nothing is told."""
    monkeypatch.setattr(mdns, "LOOK_EVERY_S", 0.01)
    addresses: list[str] = []
    with announcing(replace(SIGN, name="late box"), addresses) as advertiser:
        early = advertiser.told.is_set()
        addresses.append("127.0.0.1")

        assert (False, True) == (early, advertiser.told.wait(LISTEN_MS / 1000))
