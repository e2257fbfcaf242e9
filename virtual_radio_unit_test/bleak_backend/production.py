"""Code as a product would have it: it uses bleak and has never heard of a virtual radio."""

from bleak import BleakClient, BleakScanner

from virtual_radio_unit_test.lamp import LAMP, STATE


async def switch_on() -> bytes:
    """Find the lamp, switch it on, and say what it says."""
    device = await BleakScanner.find_device_by_filter(
        lambda _device, advertisement: LAMP in advertisement.service_uuids, timeout=5.0
    )
    if device is None:
        return b"no lamp"
    async with BleakClient(device, timeout=5.0) as client:
        await client.write_gatt_char(STATE, b"on", response=True)
        return bytes(await client.read_gatt_char(STATE))
