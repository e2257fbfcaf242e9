"""Registers by hand."""

from typing import Any

import pytest

from server.api.modbus import (
    MAX_ADDRESS,
    MAX_NUMBER_CHARACTERS,
    MAX_PAUSE_MS,
    MAX_WRITE_STEPS,
    MAX_WRITE_WORDS,
    exact,
)
from server.api.words import MAX_READ_WORDS
from server.errors import LinkClosed, RegisterRefused
from server.model.device import Space
from server.model.request import PauseStep, ReadRegisters, WriteRegisters, WriteStep
from server_unit_test.api.conftest import Api

PATH = "/api/inverter/modbus"
WRITE = {"type": "write", "startingAddress": 13049, "values": [2]}


def test_the_earlier_form_reads(api: Api) -> None:
    """Space and address stand in the path; without a type there is no value."""
    answer = api.json(f"{PATH}/input/5016?size=2")

    assert [ReadRegisters("A2340000001", Space.INPUT, 5016, 2)] == api.desk.asked
    assert {
        "register": 5016,
        "size": 2,
        "raw_value": "12341235",
        "swapped_value": "12351234",
    } == answer


def test_the_earlier_form_takes_the_last_word_as_the_highest(api: Api) -> None:
    """Its default word order is little."""
    assert 0x12351234 == api.json(f"{PATH}/holding/0?size=2&type=uint")["value"]


def test_the_later_form_reads(api: Api) -> None:
    """Everything stands in the query; big is the default and a type brings its own width."""
    answer = api.json(f"{PATH}?device_id=garage&address=10&function_code=3&type=U32")

    assert [ReadRegisters("garage", Space.HOLDING, 10, 2)] == api.desk.asked
    assert 0x12341235 == answer["value"]


def test_a_scale_factor_is_applied(api: Api) -> None:
    """A number is multiplied, so that a person sees volts."""
    assert 466.0 == api.json(f"{PATH}?address=1&scale_factor=0.1")["value"]


def test_a_large_integer_comes_as_text() -> None:
    """JSON numbers lose what lies beyond 2^53."""
    assert ("9007199254740993", 9007199254740992) == (exact(2**53 + 1), exact(2**53))


@pytest.mark.parametrize("code", [5, 6, 15, 16, 22, 23])
def test_a_get_never_writes(api: Api, code: int) -> None:
    """Function codes that write are refused, values or not."""
    api.desk.allow_raw_writes()

    response = api.get(f"{PATH}?address=1&function_code={code}&values=1,2")

    assert 403 == response.status_code
    assert "GET never writes" in response.json()["error"]
    assert [] == api.desk.asked


@pytest.mark.parametrize(
    "path",
    [
        f"{PATH}?function_code=4",
        f"{PATH}?address=1&function_code=7",
        f"{PATH}?address={MAX_ADDRESS + 1}",
        f"{PATH}?address={MAX_ADDRESS}&size=2",
        f"{PATH}?address=-1",
        f"{PATH}?address=1&size=0",
        f"{PATH}?address=1&size={MAX_READ_WORDS + 1}",
        f"{PATH}?address=1&type=bcd",
        f"{PATH}?address=1&endianess=middle",
        f"{PATH}/coil/1",
        f"{PATH}/input/x",
        f"{PATH}/input/99999999999999999999",
        f"{PATH}/input/00000501601",
        f"{PATH}/input/{'0' * 1000}5016",
        f"{PATH}/input/٥",
        f"{PATH}?address=1&type=F32&size=4",
        f"{PATH}/input/1?type=int&size=5",
    ],
)
def test_what_cannot_be_read_is_refused(api: Api, path: str) -> None:
    """400 in words, and the device is left in peace."""
    response = api.get(path)

    assert 400 == response.status_code
    assert response.json()["error"]
    assert [] == api.desk.asked


@pytest.mark.parametrize(
    "query", [f"address=0&size={MAX_READ_WORDS}&type=none", f"address={MAX_ADDRESS}"]
)
def test_the_limits_of_a_read_are_allowed(api: Api, query: str) -> None:
    """The longest read and the last address pass."""
    assert 200 == api.get(f"{PATH}?{query}").status_code


@pytest.mark.parametrize(
    ("error", "status"), [(RegisterRefused(2, "illegal data address"), 400), (LinkClosed("x"), 502)]
)
def test_what_the_device_says_is_passed_on(api: Api, error: Exception, status: int) -> None:
    """A refused address is the caller's, a closed link is not."""
    api.desk.answers[ReadRegisters] = error

    assert status == api.get(f"{PATH}?address=1").status_code


def test_an_unknown_device_is_refused(api: Api) -> None:
    """400 as the contract has it, not somebody else's registers."""
    response = api.get(f"{PATH}?address=1&device_id=attic")

    assert 400 == response.status_code
    assert "attic" in response.json()["error"]
    assert [] == api.desk.asked


@pytest.mark.parametrize("path", [f"{PATH}?address=1", f"{PATH}/input/1"])
def test_without_a_device_nothing_is_read(api: Api, path: str) -> None:
    """400 with an error in words, as the contract has it."""
    api.desk.publish(devices=())

    response = api.get(path)

    assert 400 == response.status_code
    assert "no device is configured" == response.json()["error"]


def test_without_a_device_nothing_is_written(api: Api) -> None:
    """400 as well."""
    api.desk.allow_raw_writes()
    api.desk.publish(devices=())

    assert 400 == api.call("POST", PATH, {"commands": [WRITE]}).status_code


def test_an_unknown_command_is_the_contracts_fault(api: Api) -> None:
    """500 as the contract has it, in words, and none of the commands is taken."""
    api.desk.allow_raw_writes()

    response = api.call("POST", PATH, {"commands": [WRITE, {"type": "erase"}]})

    assert 500 == response.status_code
    assert "error" == response.json()["status"]
    assert "commands[1].type" in response.json()["message"]
    assert [] == api.desk.asked


def test_writes_are_off_unless_the_owner_turns_them_on(api: Api) -> None:
    """403 names the setting, and nothing is asked of the engine."""
    response = api.call("POST", PATH, {"commands": [WRITE]})

    assert 403 == response.status_code
    assert "control.raw_writes" in response.json()["error"]
    assert [] == api.desk.asked


def test_writes_and_pauses_are_taken_in_order(api: Api) -> None:
    """Values may be numbers, or text in hexadecimal or binary."""
    api.desk.allow_raw_writes()
    commands = [
        {"type": "write", "startingAddress": "0x10", "values": ["0x1F", "0b101", 7, "12"]},
        {"type": "pause", "duration": 250},
    ]

    response = api.call("POST", PATH, {"commands": commands, "device_id": "garage"})

    steps = (WriteStep(16, (31, 5, 7, 12)), PauseStep(250))
    assert [WriteRegisters("garage", steps)] == api.desk.asked
    assert {"status": "ok"} == response.json()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"commands": []},
        {"commands": [WRITE] * (MAX_WRITE_STEPS + 1)},
        {"commands": [{"type": "write", "values": [1]}]},
        {"commands": [{**WRITE, "values": []}]},
        {"commands": [{**WRITE, "values": [1] * (MAX_WRITE_WORDS + 1)}]},
        {"commands": [{**WRITE, "values": [65536]}]},
        {"commands": [{**WRITE, "values": [-1]}]},
        {"commands": [{**WRITE, "values": ["two"]}]},
        {"commands": [{**WRITE, "values": ["0x" + "0" * 38 + "12"]}]},
        {"commands": [{**WRITE, "startingAddress": "0b" + "0" * 38 + "11"}]},
        {"commands": [{**WRITE, "startingAddress": MAX_ADDRESS, "values": [1, 2]}]},
        {"commands": [{"type": "pause", "duration": -1}]},
        {
            "commands": [
                {"type": "pause", "duration": MAX_PAUSE_MS},
                {"type": "pause", "duration": 1},
            ]
        },
    ],
)
def test_what_cannot_be_written_is_refused_whole(api: Api, body: dict[str, Any]) -> None:
    """One bad step and none is taken."""
    api.desk.allow_raw_writes()

    response = api.call("POST", PATH, body)

    assert 400 == response.status_code
    assert [] == api.desk.asked


def test_the_limits_of_a_write_are_allowed(api: Api) -> None:
    """The most steps, the most words, the longest pause."""
    api.desk.allow_raw_writes()
    steps = [{**WRITE, "values": [1] * MAX_WRITE_WORDS}] * (MAX_WRITE_STEPS - 1)

    response = api.call(
        "POST", PATH, {"commands": [*steps, {"type": "pause", "duration": MAX_PAUSE_MS}]}
    )

    assert 200 == response.status_code


@pytest.mark.parametrize(("more", "status"), [(0, 200), (1, 400)])
def test_a_number_is_taken_whole_or_not_at_all(api: Api, more: int, status: int) -> None:
    """As many zeros as MAX_NUMBER_CHARACTERS leave room for, and not one more."""
    zeros = "0" * (MAX_NUMBER_CHARACTERS + more - 4)

    assert status == api.get(f"{PATH}/input/{zeros}5016").status_code
    api.desk.allow_raw_writes()
    command = {"type": "write", "startingAddress": f"0x{zeros}10", "values": [f"0b{zeros}11"]}
    assert status == api.call("POST", PATH, {"commands": [command]}).status_code
    if status == 200:
        assert WriteRegisters("A2340000001", (WriteStep(16, (3,)),)) == api.desk.asked[-1]
