"""The peer of the API: bare Starlette routes on the same uvicorn settings. `python -m` runs it."""

import json
import logging
import socket

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def answer(request: Request) -> Response:
    """As many bytes as asked for, ready made."""
    return Response(b"x" * int(request.path_params["size"]), media_type="application/json")


def main() -> None:
    """Serve until told to stop."""
    door = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    door.bind(("127.0.0.1", 0))
    door.listen(128)
    host, port = door.getsockname()
    print(json.dumps({"url": f"http://{host}:{port}"}), flush=True)
    config = uvicorn.Config(
        Starlette(routes=[Route("/bytes/{size:int}", answer)]),
        loop="asyncio",
        http="httptools",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level=logging.ERROR,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
    )
    uvicorn.Server(config).run(sockets=[door])


if __name__ == "__main__":
    main()
