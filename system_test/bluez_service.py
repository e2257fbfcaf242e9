"""A child that serves until it is killed: `python -m system_test.bluez_service MODULE:CLASS`.

It stands for the Bluetooth service where a test wants only its peripheral.
"""

import asyncio
import importlib
import sys

from bluetooth_unit_test.contracts.peripheral import (
    ADVERTISEMENT,
    READ_ONLY,
    SERVICES,
    RecordedValues,
    pattern,
)


async def main(named: str) -> None:
    """Serve on the bus that the environment names."""
    module, _, kind = named.partition(":")
    peripheral = getattr(importlib.import_module(module), kind)()
    await peripheral.open(SERVICES, RecordedValues({READ_ONLY: pattern(60)}))
    await peripheral.advertise([ADVERTISEMENT])
    print("serving", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
