"""The rules that run: each refuses what the design forbids, and names what to do instead.

First the rules over the whole source, then proof that each rule can fail.
"""

from collections.abc import Callable, Iterable

import pytest

from docs import generate_limits
from server_unit_test.architecture import bounds, layers, mirror, waiting
from server_unit_test.architecture.source import PROCESSES, ROOT, Finding, Source, read

TESTS = (
    "server_unit_test",
    "server_rest_test",
    "bluetooth_unit_test",
    "ble_rest_test",
    "simulator_unit_test",
    "demo_unit_test",
    "virtual_radio_unit_test",
    "system_test",
)

PROGRAMS = read(*PROCESSES)
NAMES = bounds.constants(PROGRAMS)

Rule = Callable[[Source], Iterable[Finding]]


def unbounded_queues(source: Source) -> Iterable[Finding]:
    """The rule about queues, with the constants that exist today."""
    return bounds.unbounded_queues(source, NAMES)


def missing_twin(source: Source) -> Iterable[Finding]:
    """The rule about tests, against this repository."""
    return mirror.missing_twin(source, ROOT)


PROGRAM_RULES: tuple[Rule, ...] = (
    layers.upward_imports,
    layers.foreign_imports,
    waiting.clock_reads,
    waiting.environment_reads,
    waiting.calls_without_timeout,
    waiting.prints,
    unbounded_queues,
    bounds.broad_excepts,
    bounds.drawers,
    missing_twin,
)


def refuse(findings: Iterable[Finding]) -> None:
    """Fail with one line per finding."""
    lines = list(dict.fromkeys(str(finding) for finding in findings))
    if lines:
        pytest.fail("\n".join(lines), pytrace=False)


@pytest.mark.parametrize("rule", PROGRAM_RULES, ids=lambda rule: rule.__name__)
def test_programs_keep_the_rule(rule: Rule) -> None:
    """No file of any process breaks the rule."""
    refuse(finding for source in PROGRAMS for finding in rule(source))


@pytest.mark.parametrize("process", PROCESSES)
def test_imports_run_in_no_ring(process: str) -> None:
    """The modules of a process can be laid out so that imports point one way."""
    refuse(layers.import_cycles([source for source in PROGRAMS if source.process == process]))


@pytest.mark.parametrize("folder", TESTS)
def test_no_test_sleeps(folder: str) -> None:
    """Tests wait for what happens, never for time."""
    refuse(finding for source in read(folder) for finding in waiting.sleeping_tests(source))


@pytest.mark.parametrize("folder", TESTS)
def test_every_test_says_what_it_shows(folder: str) -> None:
    """The docstring of a test is its sentence about the product."""
    refuse(finding for source in read(folder) for finding in mirror.silent_tests(source))


def test_the_only_broad_excepts_are_real_files() -> None:
    """The list of files that may catch everything names no file that has gone."""
    gone = [path for path in bounds.MAY_CATCH_ALL if not (ROOT / path).is_file()]

    assert [] == gone


def test_every_bound_is_met_by_a_test() -> None:
    """Each named limit of the server is mentioned by a test that meets it."""
    missing = generate_limits.missing()

    assert generate_limits.MAY_MISS <= {str(bound) for bound in missing}
    refuse(
        Finding(bound.path, bound.line, f"{bound.name} is met by no test; write one that names it")
        for bound in missing
        if str(bound) not in generate_limits.MAY_MISS
    )


def test_every_bound_says_why() -> None:
    """Each named limit has its reason in a string below it or a comment above it."""
    refuse(
        Finding(bound.path, bound.line, f"{bound.name} does not say why; add a line below it")
        for bound in generate_limits.bounds()
        if not bound.why
    )


BAD: tuple[tuple[Rule, str, str, str], ...] = (
    (layers.upward_imports, "server/engine/x.py", "import server.tasks.poll", "look up"),
    (layers.upward_imports, "server/model/x.py", "from server.ports import Clock", "look up"),
    (layers.upward_imports, "server/model/x.py", "from .. import ports", "look up"),
    (layers.upward_imports, "server/engine/x.py", "from server import devices", "look up"),
    (layers.upward_imports, "server/engine/x.py", "from server import settings", "sideways"),
    (layers.upward_imports, "server/devices/x.py", "from server import settings", "not know"),
    (layers.upward_imports, "server/sinks/x.py", "from server.ledger import house", "not know"),
    (layers.upward_imports, "server/gateway.py", "from server.store import readings", "not know"),
    (layers.upward_imports, "server/sinks/x.py", "from server.store import readings", "sideways"),
    (layers.upward_imports, "server/store/x.py", "from ..sinks import harvest", "sideways"),
    (layers.upward_imports, "server/sinks/x.py", "from server.identity import key", "sideways"),
    (layers.upward_imports, "server/clock.py", "from server.engine import task", "leaf"),
    (layers.upward_imports, "server/drawer/x.py", "from server.model import x", "no row"),
    (layers.foreign_imports, "server/x.py", "from simulator import plant", "REST"),
    (layers.foreign_imports, "simulator/x.py", "import server.model.reading", "REST"),
    (layers.foreign_imports, "server/x.py", "import server_unit_test.contracts", "around"),
    (waiting.clock_reads, "server/x.py", "import time\ntime.time()", "clock.py"),
    (waiting.clock_reads, "server/x.py", "import time as t\nf(default=t.monotonic)", "clock.py"),
    (waiting.clock_reads, "server/x.py", "from time import monotonic_ns as now", "clock.py"),
    (waiting.clock_reads, "server/x.py", "import time\ntime.gmtime()", "clock.py"),
    (waiting.clock_reads, "server/x.py", "import time\ntime.sleep(1)", "Event"),
    (waiting.clock_reads, "simulator/x.py", "import datetime as d\nd.datetime.now()", "clock.py"),
    (waiting.clock_reads, "demo/x.py", "from datetime import date\ndate.today()", "clock.py"),
    (waiting.environment_reads, "server/x.py", "import os\nos.environ['A']", "settings.py"),
    (waiting.environment_reads, "server/x.py", "from os import getenv\ngetenv('A')", "settings.py"),
    (waiting.sleeping_tests, "server_unit_test/test_x.py", "import time\ntime.sleep(0)", "Clock"),
    (waiting.sleeping_tests, "system_test/test_x.py", "import asyncio as a\na.sleep(0)", "Clock"),
    (waiting.calls_without_timeout, "server/x.py", "import requests\nrequests.get('')", "timeout"),
    (
        waiting.calls_without_timeout,
        "server/x.py",
        "import requests\nself._session.post('')",
        "timeout",
    ),
    (
        waiting.calls_without_timeout,
        "server/x.py",
        "import subprocess as s\ns.run(['ls'])",
        "timeout",
    ),
    (
        waiting.calls_without_timeout,
        "server/x.py",
        "import socket\nsocket.create_connection(('', 1))",
        "timeout",
    ),
    (waiting.prints, "server/engine/x.py", "print('hello')", "log"),
    (unbounded_queues, "server/x.py", "import queue\nqueue.Queue()", "maxsize"),
    (unbounded_queues, "server/x.py", "import queue\nqueue.Queue(maxsize=0)", "maxsize"),
    (unbounded_queues, "server/x.py", "from queue import SimpleQueue\nSimpleQueue()", "no limit"),
    (unbounded_queues, "server/x.py", "import asyncio\nasyncio.Queue()", "maxsize"),
    (unbounded_queues, "server/x.py", "from collections import deque\ndeque()", "maxlen"),
    (unbounded_queues, "server/x.py", "from collections import deque\ndeque([], None)", "maxlen"),
    (
        unbounded_queues,
        "server/x.py",
        "import collections\ncollections.deque()  # bounded by NO_SUCH_LIMIT",
        "does not exist",
    ),
    (
        unbounded_queues,
        "server/x.py",
        "from concurrent.futures import ThreadPoolExecutor\nThreadPoolExecutor(2)",
        "lane",
    ),
    (bounds.broad_excepts, "server/x.py", "try: f()\nexcept: pass", "narrow"),
    (bounds.broad_excepts, "server/x.py", "try: f()\nexcept Exception: pass", "name the errors"),
    (
        bounds.broad_excepts,
        "simulator/x.py",
        "try: f()\nexcept (OSError, BaseException): pass",
        "name the errors",
    ),
    (
        bounds.broad_excepts,
        "server/x.py",
        "from contextlib import suppress\nsuppress(Exception)",
        "name the errors",
    ),
    (bounds.drawers, "server/engine/utils.py", "", "noun"),
    (bounds.drawers, "server/helpers/x.py", "", "noun"),
    (bounds.drawers, "simulator/device_manager.py", "", "noun"),
    (mirror.silent_tests, "system_test/test_x.py", "def test_x():\n    f()", "docstring"),
    (missing_twin, "server/engine/nobody_tests_me.py", "def f():\n    return 1", "write server_"),
)


@pytest.mark.parametrize(
    ("rule", "path", "text", "said"), BAD, ids=lambda value: getattr(value, "__name__", None)
)
def test_a_rule_refuses_what_breaks_it(rule: Rule, path: str, text: str, said: str) -> None:
    """One finding, and it says what to do instead."""
    found = list(rule(Source(path, text)))

    assert 1 == len(found)
    assert said.replace("narrow", "name the errors") in str(found[0])
    assert str(found[0]).startswith(f"{path}:")


GOOD: tuple[tuple[Rule, str, str], ...] = (
    (layers.upward_imports, "server/app.py", "from server.sinks import harvest"),
    (layers.upward_imports, "server/devices/link.py", "from server.engine import machine"),
    (layers.upward_imports, "server/store/x.py", "from server.store.schema import y"),
    (layers.upward_imports, "server/model/x.py", "from server.errors import Busy"),
    (layers.upward_imports, "server/sinks/x.py", "from server.identity import jwt"),
    (layers.upward_imports, "server/sinks/x.py", "from server.identity.jwt import encode"),
    (layers.upward_imports, "server/api/x.py", "from server import __version__"),
    (layers.foreign_imports, "simulator/x.py", "import simulator.sun, requests"),
    (waiting.clock_reads, "server/clock.py", "import time\ntime.monotonic()"),
    (waiting.clock_reads, "server/log.py", "import time\ntime.gmtime(record.created)"),
    (waiting.clock_reads, "server/x.py", "clock.monotonic(); reading.time()"),
    (waiting.environment_reads, "server/settings.py", "import os\nos.environ.get('A')"),
    (waiting.sleeping_tests, "system_test/test_x.py", "ready.wait(1.0)"),
    (waiting.calls_without_timeout, "server/x.py", "import requests\nrequests.get('', timeout=T)"),
    (waiting.calls_without_timeout, "server/x.py", "import requests\nsettings.get('a')"),
    (waiting.prints, "server/__main__.py", "print('http://127.0.0.1:8080')"),
    (unbounded_queues, "server/x.py", "import queue\nqueue.Queue(MAX_WAITING)"),
    (unbounded_queues, "server/x.py", "from collections import deque\ndeque((), MAX_WAITING)"),
    (bounds.broad_excepts, "server/engine/runner.py", "try: f()\nexcept Exception: pass"),
    (bounds.broad_excepts, "server/x.py", "try: f()\nexcept BaseException:\n    undo()\n    raise"),
    (bounds.drawers, "server/engine/backoff.py", ""),
    (missing_twin, "server/model/x.py", "class A:\n    b: int = 0"),
    (missing_twin, "server/ports_of_x.py", "class A:\n    def f(self): ..."),
)


@pytest.mark.parametrize(
    ("rule", "path", "text"), GOOD, ids=lambda value: getattr(value, "__name__", None)
)
def test_a_rule_lets_pass_what_keeps_it(rule: Rule, path: str, text: str) -> None:
    """No finding where the design allows it."""
    assert [] == list(rule(Source(path, text)))


def test_a_queue_may_be_counted_by_its_owner() -> None:
    """The marker names a constant that exists, beside the queue or above it."""
    beside = Source("server/x.py", "from collections import deque\nq = deque()  # bounded by MAX_A")
    above = Source("server/x.py", "from collections import deque\n# bounded by MAX_A\nq = deque()")

    found = [
        finding for one in (beside, above) for finding in bounds.unbounded_queues(one, {"MAX_A"})
    ]

    assert [] == found


def test_a_ring_of_imports_is_found_and_named() -> None:
    """Three modules in a ring are one finding that shows the ring."""
    ring = [
        Source("server/a.py", "from server import b"),
        Source("server/b.py", "from server.c import f"),
        Source("server/c.py", "from . import a"),
        Source("server/d.py", "from server import a"),
    ]

    found = [str(finding) for finding in layers.import_cycles(ring)]

    assert 1 == len(found)
    assert "server.a -> server.b -> server.c -> server.a" in found[0]


def test_a_package_is_tested_under_its_name() -> None:
    """server/sinks/__init__.py may be tested as test_sinks.py or test_init.py in its folder."""
    assert (
        "server_unit_test/sinks/test_sinks.py",
        "server_unit_test/sinks/test_init.py",
    ) == mirror.twins("server/sinks/__init__.py")
    assert ("server_unit_test/test_main.py",) == mirror.twins("server/__main__.py")
