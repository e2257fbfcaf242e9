"""sungrow-http-config on newer WiNet-S firmware: HOST:PORT LIMIT -> what it says, as JSON."""

import json
import sys

from sungrow_http_config import SungrowHttpConfig

dongle = SungrowHttpConfig(sys.argv[1], timeout=5)
told = {"serial": dongle.getDeviceSerialNumber(), "before": dongle.getCurrentExportLimit()}
# With any pymodbus 3 the library's frame for the limit lacks its function code, so that only the
# switch before it is set and it says False; a device can but refuse function 0x79.
told["set"] = dongle.setExportLimit(int(sys.argv[2]))
told["limited"] = dongle.getCurrentExportLimit()
told["unset"] = dongle.unsetExportLimit()
told["after"] = dongle.getCurrentExportLimit()
print(json.dumps(told))
