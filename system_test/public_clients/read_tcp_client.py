"""SungrowModbusTcpClient on the encrypted door: HOST PORT [[first, count], ...] -> its words."""

import json
import sys

from SungrowModbusTcpClient.SungrowModbusTcpClient import SungrowModbusTcpClient

host, port, spans = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
client = SungrowModbusTcpClient(host=host, port=port, timeout=5)
assert client.connect()
blocks = []
for first, count in spans:
    answer = client.read_input_registers(first - 1, count, slave=1)
    blocks.append(list(answer.registers))
client.close()
print(json.dumps({"blocks": blocks, "encrypted": client._key != b"no encryption"}))
