"""What counts for a version and what excuses it, read off the house."""

from server.devices.link import BREAKER_FAILURES
from server.devices.link_table import LinkEvent
from server.errors import RecordsRefused, SinkUnavailable
from server.ledger.evidence import evidence_now
from server.ledger.trial import Trial
from server.model.cursor import Span
from server.model.device import Endpoint
from server.model.release import Attempt, Release
from server_unit_test.tasks.houses import Home

NOW = 1000.0
OTHER_DOOR = Endpoint("winet", "10.0.0.2", 443)


def on_trial(home: Home, *devices: str) -> None:
    """The version owes these devices."""
    home.house.trial = Trial(Release("1", "2", Attempt("2", 0, 1, devices)))


def asleep(home: Home, device_id: str) -> None:
    """It has not answered for so long that it counts as asleep, and is being tried just now."""
    link = home.house.plant.devices[device_id].link
    for _ in range(BREAKER_FAILURES):
        link.happened(LinkEvent.TRY, NOW, 0)
        link.failed(NOW, 0, "nobody there", 0.5)
    link.happened(LinkEvent.TRY, NOW, 0)


def unread(home: Home) -> tuple[str, ...]:
    """What the version owes."""
    return evidence_now(home.house, "", NOW).unread


def test_what_was_read_before_is_owed_until_it_is_read(home: Home) -> None:
    """By the owner's name for it; what was added since, or removed, is not owed."""
    on_trial(home, "a", "b", "removed")
    a, _, _ = home.device("a"), home.device("b", name=""), home.device("new")

    assert ("Device a", "b") == unread(home)
    a.polls = 1
    assert ("b",) == unread(home)


def test_what_was_read_once_stays_read(home: Home) -> None:
    """Also when a change of its settings makes it a new device."""
    on_trial(home, "a")
    home.device("a").polls = 1
    unread(home)
    home.house.plant.remove("a")
    home.device("a")

    assert () == unread(home)


def test_a_sleeper_is_excused_if_another_one_like_it_is_read(home: Home) -> None:
    """Then the version can speak to devices of its kind, and this one is away."""
    on_trial(home, "a", "b")
    a, _ = home.device("a"), home.device("b")
    asleep(home, "b")

    assert ("Device a", "Device b") == unread(home)
    a.polls = 1
    assert () == unread(home)


def test_a_sleeper_behind_another_kind_of_door_is_not_excused(home: Home) -> None:
    """That the version reads Modbus says nothing of its dongles."""
    on_trial(home, "a", "b")
    home.device("a").polls = 1
    home.device("b", endpoint=OTHER_DOOR)
    asleep(home, "b")

    assert ("Device b",) == unread(home)


def test_a_box_without_sinks_owes_no_acknowledgement(home: Home) -> None:
    """Reading is all that it does."""
    evidence = evidence_now(home.house, "a fault", NOW + 5)

    assert evidence.acknowledged
    assert ("a fault", 5.0) == (evidence.fault, evidence.seconds)


def test_one_acknowledgement_by_any_sink_counts(home: Home) -> None:
    """It shows that delivery works."""
    outlet = home.feed("one")[0].outlet
    home.feed("two")

    before = evidence_now(home.house, "", NOW).acknowledged
    outlet.acknowledged(Span(0, 3), 3, 3, 0)

    assert (False, True) == (before, evidence_now(home.house, "", NOW).acknowledged)


def test_sinks_excuse_by_silence_and_not_by_refusal(home: Home) -> None:
    """Nobody there, or nothing to deliver; one that answers and says no excuses nothing."""
    outlet = home.feed()[0].outlet
    span = Span(0, 1)
    excused = [evidence_now(home.house, "", NOW).excused]
    home.house.delivery.head = 10
    for error in (
        SinkUnavailable("no answer"),
        SinkUnavailable("the endpoint answered 401", None, True),
        SinkUnavailable("the endpoint answered 503"),
        RecordsRefused("the endpoint answered 400"),
    ):
        outlet.refused(span, error, NOW, 0.5)
        excused.append(evidence_now(home.house, "", NOW).excused)

    assert [True, True, False, True, False] == excused
