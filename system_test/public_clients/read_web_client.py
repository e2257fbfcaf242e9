"""SungrowModbusWebClient on WiNet-S: HOST HTTP WS [[first, count], ...] -> its words."""

import json
import sys

from SungrowModbusWebClient.SungrowModbusWebClient import SungrowModbusWebClient

host, http, socket, spans = sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
# The library asks for port 80 by giving none; its host may carry one, its endpoint then may not.
client = SungrowModbusWebClient(host=f"{host}:{http}", port=int(socket), timeout=5)
client.ws_endpoint = f"ws://{host}:{socket}/ws/home/overview"
assert client.connect()
blocks = []
for first, count in spans:
    answer = client.read_input_registers(first - 1, count, unit=1)
    blocks.append(list(answer.registers))
print(json.dumps({"blocks": blocks, "dev_type": client.dev_type, "dev_code": client.dev_code}))
client.ws_socket.close()
