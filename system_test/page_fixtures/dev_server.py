"""A box without a gateway: serves the real page with canned, moving values under the strict CSP.

For working on the page and for its tests:

    python system_test/page_fixtures/dev_server.py [--port 8090] [--scene many]

Adding a device finds something at every address but those that begin with `silent`.
"""

import argparse
import json
import mimetypes
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from system_test.page_fixtures import plant  # noqa: E402  (also runs as a plain script)

STATIC = Path(__file__).resolve().parents[2] / "server" / "api" / "static"
BEAT_S = 0.5
SEARCH_S = 0.3
SLOW_SEARCH_S = 3.0
MAX_BODY_BYTES = 65_536
CSP = (
    "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)

ENTRY = {
    "claimed": False,
    "access": "open",
    "exposed": False,
    "you": {"name": "everybody", "scopes": ["configure", "control", "read"], "owner": False},
}

SCENES: dict[str, Callable[[int], list[plant.JSON]]] = {
    "many": plant.many_devices,
    "empty": plant.no_devices,
    "string": plant.lone_string,
}


class Box:
    """The canned gateway's state; one lock, since every request has its thread."""

    def __init__(self, scene: str) -> None:
        self.lock = threading.Lock()
        self.started = time.monotonic()
        self.boot = f"{time.time_ns() & (2**63 - 1):016x}"
        now_ms = int(time.time() * 1000)
        self.devices = SCENES[scene](now_ms)
        self.notices = plant.notices(now_ms) if scene == "many" else []
        self.sinks = scene == "many"

    def snapshot(self) -> plant.JSON:
        """Everything as it is now."""
        at_ms = int(time.time() * 1000)
        up_ms = int((time.monotonic() - self.started) * 1000) + 30_000_000
        beats = int((time.monotonic() - self.started) / BEAT_S)
        with self.lock:
            mode = "running" if self.devices else "commissioning"
            return {
                "version": beats,
                "at_ms": at_ms,
                "gateway": self._gateway(mode, at_ms, up_ms),
                "devices": [plant.view(each, at_ms, up_ms, beats) for each in self.devices],
                "sinks": plant.sinks(at_ms) if self.sinks else [],
                "store": plant.store(at_ms, beats),
                "engine": plant.engine(beats),
                "notices": list(self.notices),
                "wifi": plant.wifi(),
                "bluetooth": plant.door(beats),
            }

    def _gateway(self, mode: str, at_ms: int, up_ms: int) -> plant.JSON:
        return {
            "name": "Lakeside 4",
            "serial": "0123a4b5c6d7e8f901",
            "public_key": "ab" * 64,
            "version": "0.1.0",
            "boot": self.boot,
            "mode": mode,
            "mode_since_ms": at_ms - up_ms,
            "started_at_ms": at_ms - up_ms,
            "uptime_ms": up_ms,
            "clock": "synced",
            "healthy": True,
            "health": "",
        }


Answer = tuple[int, Any]


def get_history(box: Box, query: dict[str, str]) -> Answer:
    """GET /api/history."""
    with box.lock:
        devices = {each["config"]["device_id"]: each for each in box.devices}
    if query["device"] not in devices:
        return 404, {"error": "there is no such device"}
    span = int(query["from"]), int(query["to"])
    device, points = devices[query["device"]], int(query["points"])
    return 200, plant.history(device, query["quantity"], *span, points)


SLOW_STEPS = (
    *(f"Trying Modbus TCP, unit {unit}" for unit in range(1, 9)),
    "Looking for its battery",
)
"""More steps than the page shows at once."""


def post_probe(box: Box, body: plant.JSON, stopping: threading.Event) -> Answer:
    """POST /api/probe: a hybrid answers everywhere but at addresses that begin with silent.

    One that begins with slow is looked for until the page has shown how far the search is.
    """
    if body["ip"].startswith("slow"):
        told = {**plant.notices(0)[0], "key": f"probe {body['ip']}", "notice_id": 99, "device": ""}
        told["text"] = "\n".join(SLOW_STEPS)
        with box.lock:
            box.notices.append(told)
        stopping.wait(SLOW_SEARCH_S)
        with box.lock:
            box.notices.remove(told)
    stopping.wait(SEARCH_S)
    if body["ip"].startswith("silent"):
        where = f"{body['ip']}:{body.get('port', 502)}"
        return 504, {"error": f"Nothing answers at {where}: the connection was refused."}
    return 200, plant.device("hybrid", "A2290400001", "", body["ip"])["identity"]


def post_device(box: Box, body: plant.JSON) -> Answer:
    """POST /api/device."""
    serial = "A2290400001"
    unread = body["ip"].startswith("silent")
    more = {"state": "connecting", "unread": True} if unread else {}
    kind = "hybrid" if body["device_type"] == "sungrow_hybrid" else "string"
    added = plant.device(kind, serial, body["name"], body["ip"], body.get("port", 502), **more)
    with box.lock:
        box.devices.append(added)
    return 200, {"status": "ok", "device_id": serial}


def delete_device(box: Box, body: plant.JSON) -> Answer:
    """DELETE /api/device."""
    with box.lock:
        kept = [each for each in box.devices if each["config"]["device_id"] != body["id"]]
        found = len(kept) < len(box.devices)
        box.devices = kept
    return (200, {"status": "ok"}) if found else (404, {"error": "there is no such device"})


def delete_notice(box: Box, notice_id: int) -> Answer:
    """DELETE /api/notification/{id}."""
    with box.lock:
        kept = [each for each in box.notices if each["notice_id"] != notice_id]
        found = len(kept) < len(box.notices)
        box.notices = kept
    return (200, {"id": notice_id}) if found else (404, {"error": "there is no such notice"})


class Handler(BaseHTTPRequestHandler):
    """Routes by hand; the real gateway has a table."""

    protocol_version = "HTTP/1.1"
    box: Box
    stopping: threading.Event

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet: the first line on stdout is for programs."""

    def do_GET(self) -> None:  # noqa: N802  (the base class names it)
        """Files, reads and the stream."""
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        if url.path == "/api/stream":
            self.stream()
        elif url.path == "/api/snapshot":
            self.answer(200, self.box.snapshot())
        elif url.path == "/api/quantities":
            self.answer(200, plant.QUANTITIES)
        elif url.path == "/api/entry":
            self.answer(200, ENTRY)
        elif url.path == "/api/supported":
            self.answer(200, plant.SUPPORTED)
        elif url.path == "/api/history":
            self.answer(*get_history(self.box, query))
        else:
            self.file("index.html" if url.path == "/" else url.path.removeprefix("/static/"))

    def do_POST(self) -> None:  # noqa: N802
        """Probe and add."""
        body = self.body()
        if self.path == "/api/probe":
            self.answer(*post_probe(self.box, body, self.stopping))
        elif self.path == "/api/device":
            self.answer(*post_device(self.box, body))
        else:
            self.answer(404, {"error": "unknown path"})

    def do_DELETE(self) -> None:  # noqa: N802
        """Remove and dismiss."""
        body = self.body()
        if self.path == "/api/device":
            self.answer(*delete_device(self.box, body))
        else:
            self.answer(*delete_notice(self.box, int(self.path.rsplit("/", 1)[1])))

    def body(self) -> plant.JSON:
        """The request's JSON, {} when there is none."""
        size = min(int(self.headers.get("Content-Length") or 0), MAX_BODY_BYTES)
        parsed: plant.JSON = json.loads(self.rfile.read(size) or b"{}")
        return parsed

    def send(self, status: int, kind: str, data: bytes) -> None:
        """One whole response."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Security-Policy", CSP)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-cache")
        self.end_headers()
        self.wfile.write(data)

    def answer(self, status: int, value: Any) -> None:
        """One whole response in JSON."""
        self.send(status, "application/json", json.dumps(value).encode())

    def file(self, name: str) -> None:
        """A file of the page."""
        path = (STATIC / name).resolve()
        if not path.is_relative_to(STATIC) or not path.is_file():
            self.answer(404, {"error": "unknown path"})
            return
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        self.send(200, kind, path.read_bytes())

    def stream(self) -> None:
        """Snapshots until the reader leaves or the server stops."""
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-cache")
        self.end_headers()
        try:
            while not self.stopping.is_set():
                data = json.dumps(self.box.snapshot())
                self.wfile.write(f"event: snapshot\ndata: {data}\n\n".encode())
                self.wfile.flush()
                self.stopping.wait(BEAT_S)
        except OSError:
            return  # the reader has left


class Server(ThreadingHTTPServer):
    """Lets a port be taken again at once, and does not wait for streams when it ends."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that leaves in the middle of an answer is no news."""


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--scene", choices=tuple(SCENES), default="many")
    parser.add_argument("--json", action="store_true", help="the first line is one JSON object")
    options = parser.parse_args()
    attributes = {"box": Box(options.scene), "stopping": threading.Event()}
    server = Server(("127.0.0.1", options.port), type("BoundHandler", (Handler,), attributes))
    url = f"http://127.0.0.1:{server.server_address[1]}/"
    print(json.dumps({"url": url}) if options.json else f"The page is at {url}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
