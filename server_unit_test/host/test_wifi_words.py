"""What each way of failing looks like, and what a person is told. One test a row."""

import pytest

from server.errors import EgretError, WifiRefused, WifiUnanswered, WifiUnavailable
from server.host.wifi_words import (
    _HANDSHAKE_TIMEOUT,
    MAX_SAE_REFUSALS,
    Course,
    DeviceChange,
    Failure,
    Hint,
    Target,
    absent,
    after,
    error_of,
    lost,
    timed_out,
    told,
)
from server.model.wifi import WifiReason, WifiStep

PREPARE, CONFIG, NEED_AUTH, IP_CONFIG, IP_CHECK, ACTIVATED = 40, 50, 60, 70, 80, 100
DISCONNECTED, DEACTIVATING, FAILED = 30, 110, 120
BEGIN = ((PREPARE, 0), (CONFIG, 0))
KEYED = (*BEGIN, (NEED_AUTH, 0), *BEGIN)
WPA2 = Target("TestAP", seen=True)
WPA3 = Target("TestAP", seen=True, sae=True)
UNSEEN = Target("TestAP", seen=False)


def course(target: Target, *events: tuple[int, int] | Hint) -> Course:
    """What comes of a sequence of states and reasons, and of hints."""
    so_far = Course(target)
    for event in events:
        so_far = after(so_far, event if isinstance(event, Hint) else DeviceChange(*event))
        if so_far.failure is not None:
            break
    return so_far


@pytest.mark.parametrize(
    ("target", "events", "reason"),
    [
        (WPA2, (*KEYED, (NEED_AUTH, 8), (FAILED, 7)), WifiReason.WRONG_PASSWORD),
        (WPA2, (*BEGIN, (NEED_AUTH, 0), (FAILED, 7)), WifiReason.WRONG_PASSWORD),
        (UNSEEN, (*BEGIN, (FAILED, 53)), WifiReason.NOT_FOUND),
        (WPA3, (*KEYED, (FAILED, 53)), WifiReason.WRONG_PASSWORD),
        (UNSEEN, (*KEYED, Hint(auth_status=1), (FAILED, 53)), WifiReason.WRONG_PASSWORD),
        (WPA2, (*KEYED, (IP_CONFIG, 0), (FAILED, 5)), WifiReason.NO_ADDRESS),
        (WPA2, (*KEYED, (FAILED, 53)), WifiReason.VANISHED),
        (WPA2, (*KEYED, Hint(None, _HANDSHAKE_TIMEOUT), (FAILED, 53)), WifiReason.WRONG_PASSWORD),
        (WPA2, (*KEYED, Hint(None, -_HANDSHAKE_TIMEOUT), (FAILED, 8)), WifiReason.WRONG_PASSWORD),
        (WPA2, (*KEYED, (FAILED, 8)), WifiReason.REFUSED),
        (WPA2, (*KEYED, (FAILED, 11)), WifiReason.REFUSED),
        (WPA2, (*KEYED, (IP_CONFIG, 0), (FAILED, 17)), WifiReason.NO_ADDRESS),
        (WPA2, (*KEYED, (DEACTIVATING, 60)), WifiReason.INTERRUPTED),
        (WPA2, (*KEYED, (DISCONNECTED, 39)), WifiReason.INTERRUPTED),
        (WPA2, (*KEYED, (20, 36)), WifiReason.UNAVAILABLE),
        (WPA2, (*KEYED, (FAILED, 1)), WifiReason.REFUSED),
    ],
)
def test_reasons_are_told_apart(
    target: Target, events: tuple[tuple[int, int] | Hint, ...], reason: WifiReason
) -> None:
    """The failure has its word for programs, and names the network or the adapter."""
    failure = course(target, *events).failure

    assert failure is not None
    assert reason == failure.reason
    assert "TestAP" in failure.text or "adapter" in failure.text


def test_need_auth_alone_is_no_failure() -> None:
    """Every activation passes it."""
    found = course(WPA2, *KEYED, (IP_CONFIG, 0), (IP_CHECK, 0), (90, 0), (ACTIVATED, 0))

    assert (None, True) == (found.failure, found.done)


def test_the_old_connection_may_be_taken_down_first() -> None:
    """Its states and reasons are none of ours."""
    found = course(WPA2, (DEACTIVATING, 60), (DISCONNECTED, 60), *BEGIN)

    assert (None, WifiStep.CONNECTING) == (found.failure, found.step)


def test_steps_only_go_forward() -> None:
    """After the password has been asked for, the early states come again."""
    steps = [course(WPA2, *KEYED[:count]).step for count in range(1, 6)]

    assert [WifiStep.CONNECTING] * 2 + [WifiStep.AUTHENTICATING] * 3 == steps


def test_few_refused_handshakes_are_chance_and_more_are_the_password() -> None:
    """WPA3 alone is judged by them, and only while our own attempt is under way."""
    refused = [Hint(auth_status=1)] * MAX_SAE_REFUSALS

    assert course(WPA3, *BEGIN, *refused[1:]).failure is None
    assert course(WPA2, *BEGIN, *refused).failure is None
    assert course(WPA3, *refused).failure is None
    failure = course(WPA3, *BEGIN, *refused).failure
    assert failure is not None and WifiReason.WRONG_PASSWORD == failure.reason
    assert "most likely" in failure.text


def test_other_status_codes_say_nothing() -> None:
    """Status 0 is success; a code that we do not know is no proof."""
    assert Course(WPA3) == after(Course(WPA3), Hint(auth_status=0))


def test_silence_means_what_was_waited_for() -> None:
    """No address, or not let in."""
    assert WifiReason.NO_ADDRESS == timed_out(course(WPA2, *KEYED, (IP_CONFIG, 0))).reason
    assert WifiReason.TIMEOUT == timed_out(course(WPA2, *KEYED)).reason


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        (WifiReason.WRONG_PASSWORD, WifiRefused),
        (WifiReason.NOT_FOUND, WifiRefused),
        (WifiReason.REFUSED, WifiRefused),
        (WifiReason.NO_ADDRESS, WifiUnanswered),
        (WifiReason.TIMEOUT, WifiUnanswered),
        (WifiReason.VANISHED, WifiUnanswered),
        (WifiReason.INTERRUPTED, WifiUnanswered),
        (WifiReason.UNAVAILABLE, WifiUnavailable),
    ],
)
def test_the_class_of_an_error_says_what_to_do(reason: WifiReason, kind: type[EgretError]) -> None:
    """What the person got wrong, what did not answer, what is not there."""
    error = error_of(Failure(reason, "So it was."), "The box is back on Home.")

    assert kind is type(error)
    assert "So it was. The box is back on Home." == str(error)
    assert reason == getattr(error, "reason", None)


def test_a_step_is_said_with_the_networks_name() -> None:
    """Each one that takes time."""
    steps = [WifiStep.SCANNING, WifiStep.CONNECTING, WifiStep.AUTHENTICATING]

    assert all("Home" in told(step, "Home") for step in steps)
    assert "" == told(WifiStep.IDLE, "Home")
    assert "hidden" in absent("Home").text


def test_a_lost_connection_says_why() -> None:
    """Where the reason says anything."""
    assert ("Home is out of range.", "") == (lost(53, "Home"), lost(0, None))
