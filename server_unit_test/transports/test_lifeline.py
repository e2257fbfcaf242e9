"""What is cut wakes at once, and stays cut."""

import socket
import threading

import pytest

from server.errors import DeviceTimeout
from server.transports.lifeline import Lifeline

WAIT_S = 10.0


def test_cutting_wakes_a_waiting_socket() -> None:
    """Whoever waits for bytes on a held socket gets an end instead."""
    here, there = socket.socketpair()
    with here, there:
        lifeline = Lifeline()
        lifeline.hold("a", here)
        here.settimeout(WAIT_S)
        cutting = threading.Timer(0.01, lifeline.cut)
        cutting.start()
        got = here.recv(1)
        cutting.join()
        lifeline.release()

    assert b"" == got
    assert lifeline.is_cut and not lifeline.late


def test_cutting_ends_a_pause() -> None:
    """A pause raises as soon as it is cut; without a cut it just passes."""
    lifeline = Lifeline()
    lifeline.wait(0.0)
    lifeline.cut()

    with pytest.raises(DeviceTimeout):
        lifeline.wait(WAIT_S)


def test_a_socket_held_too_late_is_cut_as_well() -> None:
    """A name that took long to resolve gives a socket that nobody may use any more."""
    here, there = socket.socketpair()
    with here, there:
        lifeline = Lifeline()
        lifeline.cut()
        lifeline.hold("a", here)

        assert b"" == here.recv(1)
        lifeline.release()


def test_only_the_last_socket_of_a_name_is_held() -> None:
    """Reconnecting again and again uses up no descriptors."""
    pairs = [socket.socketpair() for _ in range(3)]
    lifeline = Lifeline()
    for here, _ in pairs:
        lifeline.hold("http", here)

    assert 1 == len(lifeline._held)
    lifeline.release()
    for here, there in pairs:
        here.close()
        there.close()


def test_a_body_that_takes_too_long_is_cut() -> None:
    """The limit holds for the whole, and is told apart from a wish."""
    here, there = socket.socketpair()
    with here, there:
        lifeline = Lifeline()
        lifeline.hold("a", here)
        here.settimeout(WAIT_S)
        with lifeline.within(0.01):
            got = here.recv(1)
        lifeline.release()

    assert b"" == got
    assert lifeline.late


def test_a_body_in_time_cuts_nothing() -> None:
    """The limit ends with the body."""
    lifeline = Lifeline()
    with lifeline.within(WAIT_S):
        pass

    assert not lifeline.is_cut
