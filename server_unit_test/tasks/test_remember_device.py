"""What a device said it is outlives the process."""

import pytest

from server.devices.plant import Plant
from server.engine.task import Again, Done, Failed
from server.errors import StoreUnavailable
from server.model.delivery import DeviceFacts
from server.tasks.connect_device import ConnectDevice, TryLink
from server.tasks.remember_device import (
    MEMORY_KEY,
    REMEMBER_BUDGET_S,
    REMEMBER_RETRY_S,
    RememberDevice,
    remembered,
)
from server_unit_test.tasks.houses import Home, config_of, run

NOW = 1000.0
FACTS = DeviceFacts("a", "Roof", "sungrow_hybrid", "A2340123456", "SH10RT")


def test_facts_come_back_after_a_restart(home: Home) -> None:
    """Written on the database's lane, read again by whoever starts next."""
    task = RememberDevice(home.house, FACTS)

    assert Done() == run(task, NOW)
    assert {"a": FACTS} == remembered(["a", "unknown"], home.opened.writer.recall)
    assert 0 < REMEMBER_BUDGET_S == task.budget_s


def test_a_database_that_cannot_take_it_is_asked_again(home: Home) -> None:
    """Nothing is lost by a locked database."""
    verdict = RememberDevice(home.house, FACTS).settle(Failed(StoreUnavailable("locked")), NOW)

    assert Again(NOW + REMEMBER_RETRY_S) == verdict


@pytest.mark.parametrize("text", ["", "no JSON", "[]", '{"device_id": 5}'])
def test_what_cannot_be_read_counts_as_never_learned(home: Home, text: str) -> None:
    """A damaged text costs nothing but learning anew."""
    home.opened.writer.remember(MEMORY_KEY + "a", text)

    assert {} == remembered(["a"], home.opened.writer.recall)


def test_what_is_learned_is_remembered_before_the_first_poll_and_only_once(home: Home) -> None:
    """A connect that learns something new remembers it; the next one has nothing to add."""
    device = home.device()
    followed = []
    for _ in range(2):
        run(TryLink(home.house, device), NOW)
        verdict = run(ConnectDevice(home.house, device), NOW)
        assert isinstance(verdict, Done)
        followed.append([type(each.task).__name__ for each in verdict.then])
        device.link.failed(NOW, 0, "lost", 0.5)

    assert [["RememberDevice", "PollDevice"], ["PollDevice"]] == followed


def test_a_backlog_is_described_as_it_was_before_the_restart(home: Home) -> None:
    """Until the device answers again, what was remembered counts."""
    plant = Plant(home.house.plant.profiles, home.house.adapters.open_transport, {}, {"a": FACTS})

    plant.add(config_of("a"), NOW, 0)

    assert {"a": FACTS} == plant.facts
