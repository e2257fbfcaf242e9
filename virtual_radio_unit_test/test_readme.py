"""The README's examples run as they stand."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parent.parent
README = ROOT / "virtual_radio" / "README.md"

MY_DRIVER = """
import bleak

LAMP = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
STATE = "6e400002-b5a3-f393-e0a9-e50e24dcca9e"

class LampGone(Exception):
    pass

async def read_lamp(name):
    device = await bleak.BleakScanner.find_device_by_name(name, timeout=5.0)
    if device is None:
        raise LampGone
    try:
        async with bleak.BleakClient(device, timeout=5.0) as client:
            return bytes(await client.read_gatt_char(STATE))
    except (bleak.BleakError, TimeoutError) as error:
        raise LampGone from error
"""


def examples() -> list[str]:
    """Every block of Python in it."""
    return re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def test_its_tests_pass(pytester: pytest.Pytester) -> None:
    """The driver's and those of HCI, in a folder of their own."""
    pytester.makeconftest('pytest_plugins = ["virtual_radio.plugin"]')
    pytester.makepyfile(my_driver=MY_DRIVER, test_one=examples()[0], test_two=examples()[1])
    pytester.syspathinsert()

    outcome = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-W", "error")

    outcome.assert_outcomes(passed=4)


def test_its_program_runs() -> None:
    """And says what its comment promises."""
    program = subprocess.run(
        [sys.executable, "-W", "error", "-c", examples()[2]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert "300\n" == program.stdout
