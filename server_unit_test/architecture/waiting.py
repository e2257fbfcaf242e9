"""Time, waiting and the outside: what may read a clock, sleep, block or look at the environment."""

import ast
from collections.abc import Iterator

from server_unit_test.architecture.source import PROCESSES, Finding, Source

CLOCK_FILES = frozenset(f"{process}/clock.py" for process in PROCESSES)
"""One file per process reads the clock; everything else is given a Clock."""

SETTINGS_FILES = frozenset(f"{process}/settings.py" for process in PROCESSES)

CLOCKS = frozenset(
    f"time.{name}{suffix}"
    for name in ("time", "monotonic", "perf_counter", "process_time", "thread_time")
    for suffix in ("", "_ns")
) | {
    "time.clock_gettime",
    "time.clock_gettime_ns",
    "time.sleep",
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.datetime.today",
    "datetime.date.today",
}

CLOCKS_WITHOUT_ARGUMENT = {"time.gmtime": 1, "time.localtime": 1, "time.ctime": 1} | {
    "time.strftime": 2
}
"""Functions that read the clock only when called with fewer arguments than this."""

SLEEPS = frozenset({"time.sleep", "asyncio.sleep", "anyio.sleep", "trio.sleep"})

VERBS = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "request"})

BLOCKING = {
    "urllib.request.urlopen": 3,
    "socket.create_connection": 2,
    "http.client.HTTPConnection": 3,
    "http.client.HTTPSConnection": 99,
    "subprocess.run": 99,
    "subprocess.call": 99,
    "subprocess.check_call": 99,
    "subprocess.check_output": 99,
}
"""Calls that may block for ever -> how many positional arguments include a timeout."""


def clock_reads(source: Source) -> Iterator[Finding]:
    """A clock read outside the process's clock.py; handing the function on counts as well."""
    if source.process not in PROCESSES or source.path in CLOCK_FILES:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            for name in node.names:
                if f"time.{name.name}" in CLOCKS:
                    yield source.finding(node, _no_clock(source, f"time.{name.name}"))
        elif isinstance(node, ast.Attribute) and source.dotted(node) in CLOCKS:
            yield source.finding(node, _no_clock(source, source.dotted(node)))
        elif isinstance(node, ast.Call):
            name = source.dotted(node.func)
            if len(node.args) < CLOCKS_WITHOUT_ARGUMENT.get(name, 0):
                yield source.finding(node, _no_clock(source, name))


def _no_clock(source: Source, name: str) -> str:
    if name in SLEEPS:
        return f"{name} in a program; wait on an Event with a timeout, or run again at a time"
    return f"{name} outside {source.process}/clock.py; take `now`, or a Clock in the constructor"


def environment_reads(source: Source) -> Iterator[Finding]:
    """The environment, outside the process's settings.py. Handing it on whole to a child counts."""
    if source.process not in PROCESSES or source.path in SETTINGS_FILES:
        return
    for node in ast.walk(source.tree):
        name = source.dotted(node) if isinstance(node, ast.Attribute | ast.Name) else ""
        if name in ("os.environ", "os.getenv", "os.putenv", "os.environb"):
            yield source.finding(
                node, f"{name} outside {source.process}/settings.py; read it there, pass it in"
            )


def sleeping_tests(source: Source) -> Iterator[Finding]:
    """A sleep in a test."""
    for node, name in source.calls():
        if name in SLEEPS:
            yield source.finding(
                node,
                f"{name} in a test; move a FakeClock, or wait for the event itself with a deadline",
            )


def calls_without_timeout(source: Source) -> Iterator[Finding]:
    """A call that may block for ever."""
    for node, name in source.calls():
        if any(keyword.arg in ("timeout", None) for keyword in node.keywords):
            continue
        if _is_request(source, name):
            yield source.finding(node, f"{name}() without a timeout; say timeout=(connect, read)")
        elif name in BLOCKING and len(node.args) < BLOCKING[name]:
            yield source.finding(node, f"{name}() without a timeout; pass a named one")


def _is_request(source: Source, name: str) -> bool:
    """requests.get and the like, or a verb of something called a session."""
    owner, _, verb = name.rpartition(".")
    if verb not in VERBS:
        return False
    if owner in ("requests", "requests.api"):
        return True
    uses_requests = any(target.split(".")[0] == "requests" for target in source.aliases.values())
    return uses_requests and "session" in owner.rpartition(".")[2].lower()


SPEAKS_TO_A_TERMINAL = ("server/__main__.py", "server/commands/")
"""What a person starts and reads."""


def prints(source: Source) -> Iterator[Finding]:
    """print() in the server, which has logs; its command line alone speaks to a terminal."""
    if source.process != "server" or source.path.startswith(SPEAKS_TO_A_TERMINAL):
        return
    for node, name in source.calls():
        if name == "print":
            yield source.finding(node, "print() in the server; log an event with its fields")
