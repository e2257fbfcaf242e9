"""pysungrow on plain Modbus TCP, in an environment of its own: HOST PORT -> its values as JSON."""

import asyncio
import json
import sys

from pysungrow import SungrowClient, identify
from pysungrow.compat import AsyncModbusTcpClient


async def main(host: str, port: int) -> None:
    client = AsyncModbusTcpClient(host, port)
    identity = await identify(client)
    values = {"serial_number": identity.serial_number, "device": identity.device.name}
    sungrow = SungrowClient(client, identity)
    for key in sungrow.keys:
        # One by one: the library reads a hole of 255 registers in one request otherwise.
        try:
            await sungrow.refresh([key])
        except Exception as refusal:  # noqa: B902
            values[key] = f"failed: {refusal}"
            continue
        value = sungrow.data[key]
        values[key] = value if isinstance(value, int | float | None) else str(value)
    print(json.dumps(values))


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
