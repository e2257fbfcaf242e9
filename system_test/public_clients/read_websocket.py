"""sungrow-websocket on WiNet-S: HOST HTTP WS -> its items as JSON."""

import json
import sys

import aiohttp
import sungrow_websocket

host, http, socket = sys.argv[1], sys.argv[2], int(sys.argv[3])
plain_get = aiohttp.ClientSession.get


def get_at_our_port(self, url, **named):
    """The library asks for port 80 by giving none, where only root may listen."""
    return plain_get(self, url.replace(f"http://{host}/", f"http://{host}:{http}/"), **named)


aiohttp.ClientSession.get = get_at_our_port
items = sungrow_websocket.SungrowWebsocket(host, port=socket).get_data()
print(json.dumps({key: [item.desc, item.value, item.unit] for key, item in items.items()}))
