"""`python -m server health`: asks the gateway on this machine whether it gets on with its work.

For HEALTHCHECK of a container and for scripts: exit code 0 when healthy, 1 when not, in words.
"""

import argparse
import http.client
import json
import sys
from collections.abc import Mapping

from server.model.setting import MAX_PORT
from server.settings import Settings, data_folder

TIMEOUT_S = 5.0
"""A gateway that does not answer in this time is not healthy."""

MAX_ANSWER_BYTES = 4_096
"""The answer is one short object."""

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def arguments() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(
        prog="python -m server health",
        description="Ask the gateway on this machine whether it gets on with its work.",
    )
    parser.add_argument("--data", metavar="DIR", help="its data folder (default: data)")
    parser.add_argument("--port", type=int, help="its port (default: as in its settings)")
    return parser


def main(argv: list[str], environ: Mapping[str, str]) -> int:
    """Ask, say, and return the exit code."""
    options = arguments().parse_args(argv)
    data = data_folder(options.data, environ)
    api = Settings.load(data, environ, {}, look_only=True).configuration.api
    host = _EVERYWHERE.get(api.host, api.host)
    port = api.port if options.port is None else options.port
    if not 0 < port <= MAX_PORT:
        print("the port is chosen anew at each start: name it with --port", file=sys.stderr)
        return 1
    healthy, words = ask(host, port)
    print(words, file=sys.stdout if healthy else sys.stderr)
    return 0 if healthy else 1


def ask(host: str, port: int) -> tuple[bool, str]:
    """Whether the gateway there is healthy, and what it says of itself."""
    line = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
    try:
        line.request("GET", "/healthz")
        answer = line.getresponse()
        told = json.loads(answer.read(MAX_ANSWER_BYTES))
        if answer.status == 200:
            return True, f"healthy, {told['mode']}"
        return False, f"not healthy: {told['reason']}"
    except (OSError, http.client.HTTPException) as error:
        return False, f"no gateway answers at {host}:{port}: {error or type(error).__name__}"
    except (ValueError, KeyError, TypeError):
        return False, f"something else than a gateway answers at {host}:{port}"
    finally:
        line.close()
