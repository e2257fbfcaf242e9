"""Which sinks a configuration makes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from server.identity.software_key import SoftwareKey
from server.model.configuration import Configuration, HarvestConfig
from server.sinks import FACTORIES, SinkSetup, sinks_of

ENDPOINTS = ("https://a.example/gw/data/", "http://10.0.0.2:8080/")


@pytest.fixture
def setups(tmp_path: Path) -> Iterator[dict[str, SinkSetup]]:
    """The sinks of a configuration with two endpoints."""
    harvest = HarvestConfig(ENDPOINTS, 5.0, batch_records=50, timeout_s=3.0, history=True)
    made = sinks_of(Configuration(harvest=harvest), SoftwareKey.open(tmp_path))
    yield made
    for setup in made.values():
        setup.sink.close()


def test_every_endpoint_is_a_sink_of_its_own(setups: dict[str, SinkSetup]) -> None:
    """Ids are made of kind and address, so that a cursor finds its sink again."""
    assert [f"harvest:{url}" for url in ENDPOINTS] == list(setups)


def test_a_sink_wants_what_was_configured(setups: dict[str, SinkSetup]) -> None:
    """The settings of the section reach each of its sinks."""
    setup = setups[f"harvest:{ENDPOINTS[0]}"]

    assert (f"harvest:{ENDPOINTS[0]}", "harvest", ENDPOINTS[0], 5.0, 50, True, 3.0) == (
        setup.sink_id,
        setup.kind,
        setup.target,
        setup.interval_s,
        setup.batch_records,
        setup.history,
        setup.timeout_s,
    )


def test_nothing_configured_is_no_sink(tmp_path: Path) -> None:
    """The box works alone."""
    assert {} == sinks_of(Configuration(), SoftwareKey.open(tmp_path))


def test_ids_begin_with_their_kind(setups: dict[str, SinkSetup]) -> None:
    """Two kinds at one address never share a cursor."""
    assert all(each.startswith(f"{setups[each].kind}:") for each in setups)
    assert {setup.kind for setup in setups.values()} <= set(FACTORIES)
