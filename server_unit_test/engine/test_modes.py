"""The mode is derived from facts; ranks exist for every kind in every mode."""

import pytest

from server.engine.modes import RANKS, STANDING, Facts, Mode, mermaid, mode_of
from server.engine.task import Kind


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts(stopping=True, starting=True, lease_alive=True), Mode.STOPPING),
        (Facts(starting=True, device_configured=True), Mode.STARTING),
        (Facts(lease_alive=True), Mode.CONTROLLING),
        (Facts(sink_configured=True), Mode.COMMISSIONING),
        (Facts(device_configured=True, sink_configured=True), Mode.OFFLINE),
        (
            Facts(device_configured=True, sink_configured=True, sink_reachable=True),
            Mode.RUNNING,
        ),
        (Facts(device_configured=True), Mode.RUNNING),
    ],
)
def test_the_highest_standing_that_holds_gives_the_mode(facts: Facts, expected: Mode) -> None:
    """stopping > starting > controlling > commissioning > offline > running."""
    assert expected is mode_of(facts)


def test_every_mode_has_a_row_and_the_last_always_holds() -> None:
    """There is always exactly one mode."""
    assert [*Mode] == [row.mode for row in STANDING]
    assert STANDING[-1].holds(Facts())


@pytest.mark.parametrize("mode", [*Mode])
def test_commands_rank_first_in_every_mode(mode: Mode) -> None:
    """Whatever the gateway is up to, a command overtakes."""
    assert set(Kind) == set(RANKS[mode])
    assert all(
        RANKS[mode][Kind.COMMAND] < rank
        for kind, rank in RANKS[mode].items()
        if kind is not Kind.COMMAND
    )


def test_delivery_waits_while_nobody_can_be_reached() -> None:
    """Offline, reading and storing go before sending."""
    offline = RANKS[Mode.OFFLINE]

    assert offline[Kind.COMMIT] < offline[Kind.POLL] < offline[Kind.PUBLISH]


def test_the_diagram_names_every_mode_and_what_is_done_on_entry() -> None:
    """The picture in the documentation is drawn from the table."""
    drawn = mermaid()

    assert all(f'{row.mode}["<b>{row.mode}</b><br/>{row.on_entry}"]' in drawn for row in STANDING)
