"""The composition root: builds every adapter, wires the ports, runs the loop. Imports anything.

It decides nothing: settings decide which adapters there are, `gateway.py` what runs on them.
"""

import contextlib
import logging
import random
import secrets
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from server import __version__, log as logs
from server.api import logger as api_logger
from server.api.server import ApiServer
from server.api.services import Services, Supported
from server.clock import SystemClock
from server.devices.plant import Plant
from server.devices.profile import Profile, load_profiles
from server.engine.inbox import Inbox
from server.engine.lanes import Lanes
from server.engine.runner import perform
from server.engine.task import Task
from server.errors import EgretError, SettingsError
from server.gateway import Counter, Gateway
from server.host import instance, interfaces, network, restoring, system
from server.host.audit_log import AuditLog
from server.host.embargoes import FileEmbargoes
from server.host.pins import FilePins
from server.host.release_file import ReleaseFile
from server.host.supervisor import ALIVE, READY, STOPPING, Supervisor
from server.host.watchdog import Watchdog, end_process
from server.host.wifi import NetworkManagerWifi
from server.identity.atecc608 import Atecc608
from server.identity.naming import three_words
from server.identity.signers import open_signer
from server.ledger.buffer import Buffer
from server.ledger.delivery import Delivery
from server.ledger.disk import Disk
from server.ledger.house import DATABASE_LANE, FILES_LANE, Adapters, House
from server.ledger.notices import NoticeBoard
from server.ledger.portrait import Nameplate
from server.ledger.trial import Trial, begun, polled_before, returned
from server.model.access import Protection
from server.model.audit import AuditEntry, Door
from server.model.configuration import Configuration
from server.model.exposure import Exposure, exposure_of, is_alone
from server.model.notice import Level
from server.model.release import TRIAL_EXIT_CODE, Release
from server.model.device import Account, Endpoint
from server.ports import Clock, SinkSetup, Transport
from server.presence import Presence, local_name, own_addresses
from server.settings import Settings
from server.sinks import sinks_of
from server.store.database import open_store
from server.store.readings import open_reader
from server.tasks.look_at_certificate import LOOK_EVERY_S, LookAtCertificate
from server.tasks.remember_device import remembered
from server.tasks.stop_gateway import StopGateway
from server.transports import open_transport
from server.transports.winet_lockout import Lockouts
from server.way_in import way_in

log = logging.getLogger("server")

API_STOP_S = 1.0
"""What open requests get when the gateway stops."""

STORE_FOLDER = "store"
PROFILE_FOLDER = "profiles"


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line decided."""

    data: Path
    announce: Callable[[str, bool, str], None]
    """Told where the page is, whether it can be reached from this machine alone, and with what
    code a box that nobody owns yet is claimed, "" where there is no need."""
    notify_socket: str = ""
    """Where a service manager listens; "" for nobody."""
    door: Path | None = None
    """The folder shared with the Bluetooth service: label and token; None: the data folder."""
    announce_tls: Callable[[str, str], None] = lambda url, fingerprint: None
    """Told where the TLS door is, and the fingerprint of its certificate as browsers show it."""


class StopSignal:
    """Hears SIGTERM and SIGINT from the first moment on, also while the store is being opened."""

    def __init__(self) -> None:
        self.asked = False
        self.wake: Callable[[], None] = lambda: None
        """Wakes whoever must look at `asked`."""

    def listen(self) -> None:
        """From here on a signal asks to stop, and nothing else."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._heard)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        self.wake()


class App:
    """One process: built, run, stopped."""

    def __init__(
        self,
        options: Options,
        environ: Mapping[str, str],
        given: dict[str, Any],
        stop: StopSignal,
    ) -> None:
        self._options = options
        self._stop = stop
        self._instance = instance.lock(options.data)
        restoring.finish(options.data)
        settings = Settings.load(options.data, environ, given)
        configuration = settings.configuration
        logs.configure(configuration.log.level, sys.stderr)
        self._clock: Clock = SystemClock(configuration.clock.trust)
        self._identity = open_signer(options.data, Atecc608())
        self._signer = self._identity.signer
        loaded = load_profiles(options.data / PROFILE_FOLDER)
        self._store_folder = options.data / STORE_FOLDER
        self._opened = open_store(
            self._store_folder, ballast_bytes=configuration.store.ballast_bytes
        )
        self._pins = FilePins(options.data)
        self._lockouts = Lockouts(self._clock, FileEmbargoes(options.data))
        self._releases = ReleaseFile(options.data)
        self._exit_code = 0
        self._way_in = way_in(options.data, options.door or options.data)
        self._exposure = _exposure(configuration)
        self._audit_log = AuditLog(options.data)
        house = self._house(settings, loaded.profiles)
        problems = [*settings.problems, *loaded.problems, self._opened.problem, self._pins.problem]
        problems += [*self._way_in.problems, self._exposure.problem]
        self._post_problems(house, [each for each in (*problems, self._identity.problem) if each])
        name = three_words(self._signer.serial)
        plate = Nameplate.of(self._signer, __version__, self._clock.utc_ms(), name)
        self._gateway = Gateway(
            house, plate, _report, self._opened.cursors, self._opened.quarantined
        )
        self._inbox = Inbox()
        self._lanes = Lanes(self._inbox, perform, self._gateway.engine.preempted)
        self._runner = self._gateway.run_on(self._inbox, self._lanes)
        self._presence = Presence(options.data, configuration, self._signer.serial, self._clock)
        self._api = self._api_server(configuration, loaded.profiles)
        self._finished = False
        self._supervisor = Supervisor(options.notify_socket)
        self._watchdog = self._watch()
        stop.wake = self._inbox.ring

    def run(self) -> int:
        """Serve until a signal asks to stop; returns the exit code."""
        host, port = self._api.start()
        self._announce(host, port)
        self._look_after_certificate()
        self._gateway.begin(self._clock.monotonic())
        self._watchdog.start()
        self._supervisor.tell(READY)
        self._presence.advertise(self._gateway.board.snapshot().gateway.name, host, port)
        stopping = False
        while not self._finished:
            if self._stop.asked and not stopping:
                stopping = True
                self._begin_stop()
            self._runner.turn()
        trial = self._gateway.house.trial
        self._save_release(trial.release, trial.stopped())
        self._close()
        return self._exit_code

    def _watch(self) -> Watchdog:
        return Watchdog(
            outcomes=lambda: self._runner.outcomes,
            monotonic=self._clock.monotonic,
            alive=lambda: self._supervisor.tell(ALIVE),
            end=end_process,
        )

    def _house(self, settings: Settings, profiles: Mapping[str, Profile]) -> House:
        started = self._clock.monotonic()
        taken_at_ms = self._opened.last_taken_at_ms
        return House(
            clock=self._clock,
            draw=random.random,
            adapters=Adapters(
                store=self._opened.writer,
                open_reader=partial(open_reader, self._store_folder),
                open_transport=self._open_session,
                sinks_of=self._sinks,
                profiles=profiles,
                forget_host=self._pins.forget,
                wifi=NetworkManagerWifi(self._clock),
                entrance=self._way_in.entrance,
                audit=self._audit_log,
                releases=self._releases,
            ),
            settings=settings,
            plant=Plant(
                profiles,
                self._open_session,
                taken_at_ms,
                remembered(taken_at_ms, self._opened.writer.recall),
            ),
            buffer=Buffer(boot=secrets.randbits(63)),
            delivery=Delivery(self._opened.head),
            notices=NoticeBoard(),
            disk=Disk(committed_at=started),
            started=started,
            entry=self._way_in.entry,
            trial=self._trial(),
            give_up=self._give_up,
        )

    def _trial(self) -> Trial:
        """The trial of this version; its start counts before anything of it runs."""
        at_ms = self._clock.utc_ms()
        devices = polled_before(self._opened.last_taken_at_ms, at_ms)
        known, fallback = self._releases.read(), self._releases.fallback()
        release = begun(known, __version__, at_ms, devices, fallback)
        self._save_release(known, release)
        return Trial(release)

    def _save_release(self, known: Release | None, release: Release) -> None:
        try:
            if release != known:
                self._releases.write(release)
        except SettingsError as error:
            log.warning("release not saved", extra={"error": str(error)})

    def _give_up(self) -> None:
        """This version failed its trial: stop as cleanly as ever, and say so to the supervisor."""
        self._exit_code = TRIAL_EXIT_CODE
        self._stop.asked = True

    def _open_session(self, endpoint: Endpoint, account: Account) -> Transport:
        return open_transport(endpoint, self._clock, self._pins, account, self._lockouts)

    def close_unstarted(self) -> None:
        """Give back what the constructor took, when starting failed."""
        self._close()

    def _sinks(self, configuration: Configuration) -> dict[str, SinkSetup]:
        return dict(sinks_of(configuration, self._signer))

    def _api_server(
        self, configuration: Configuration, profiles: Mapping[str, Profile]
    ) -> ApiServer:
        desk, api = Counter(self._gateway, self._inbox), configuration.api
        desk.keep(self._start())
        services = Services(
            audit=desk.keep,
            signer=self._signer,
            clock=self._clock,
            version=__version__,
            supported=tuple(_supported(each) for each in profiles.values()),
            network_address=network.read_address,
            system=system.read_system,
            log_level_of=api_logger.levels,
            set_log_level=api_logger.set_level,
            interfaces=interfaces.read_interfaces,
            names=(*network.own_names(), local_name(self._signer.serial)),
            key_name=self._identity.key_name,
            exposure=self._exposure,
        )
        return ApiServer(desk, services, api.host, api.port, self._presence.offer())

    def _start(self) -> AuditEntry:
        """The first entry of a process: what happens from here on is done by this version."""
        at_ms, quality = self._clock.utc_ms(), self._clock.quality()
        about = (__version__,)
        return AuditEntry(at_ms, quality, "gateway", "", Door.INSIDE, "START", "", 0, about)

    def _write_audit(self) -> None:
        """What still waits when everything has ended."""
        with contextlib.suppress(SettingsError):
            self._audit_log.append(self._gateway.house.audit.take())

    def _look_after_certificate(self) -> None:
        """From now on by the engine; and what was found at the start is told."""
        house, presence = self._gateway.house, self._presence
        problem = self._api.tls_problem or presence.missing
        if problem:
            house.notices.post("tls", Level.ERROR, problem, self._clock.utc_ms())
        if presence.certificate is not None:
            task = LookAtCertificate(house, presence.certificate, presence.problem)
            self._gateway.engine.submit(task, self._clock.monotonic() + LOOK_EVERY_S)

    def _post_problems(self, house: House, problems: list[str]) -> None:
        for number, problem in enumerate(problems):
            house.notices.post(f"start {number}", Level.ERROR, problem, self._clock.utc_ms())
        if self._identity.remark:
            house.notices.post("key", Level.INFO, self._identity.remark, self._clock.utc_ms())
        if left := returned(house.trial.release):
            house.notices.post("release", Level.WARNING, left, self._clock.utc_ms())

    def _announce(self, host: str, port: int) -> None:
        shown = f"[{host}]" if ":" in host else host
        code = self._way_in.code_to_show(self._exposure.protection is Protection.OPEN)
        self._options.announce(f"http://{shown}:{port}", is_alone(host), code)
        self._presence.tls_port = self._api.tls_port
        if fingerprint := self._presence.fingerprint:
            self._options.announce_tls(f"https://{shown}:{self._api.tls_port}", fingerprint)
        if self._exposure.exposed:
            log.warning(
                "the API is open to everybody on the network; use api.access protected unless "
                "you trust all of them",
                extra={"host": host},
            )

    def _begin_stop(self) -> None:
        now = self._clock.monotonic()
        gateway = self._gateway
        self._supervisor.tell(STOPPING)
        log.info("stopping", extra={"buffered": len(gateway.house.buffer)})
        gateway.stop(now)
        stop = StopGateway(
            gateway.house,
            now,
            gateway.engine.in_flight,
            gateway.break_off,
            gateway.last_commit,
            self._finish,
        )
        gateway.engine.submit(stop, now)

    def _finish(self) -> None:
        self._finished = True

    def _close(self) -> None:
        self._watchdog.stop()
        self._presence.stop()
        self._api.stop(API_STOP_S)
        self._lanes.close()
        busy = self._gateway.engine.in_flight()
        self._gateway.close(busy)
        if FILES_LANE not in busy:
            self._write_audit()
        if DATABASE_LANE not in busy:
            self._opened.writer.close()
        self._instance.close()


def _exposure(configuration: Configuration) -> Exposure:
    api = configuration.api
    return exposure_of(api.access, api.host, own_addresses())


def _supported(profile: Profile) -> Supported:
    return Supported(profile.name, profile.title, tuple(sorted(set(profile.models.values()))))


def _report(half: str, task: Task, error: Exception) -> None:
    log.error(
        "a task raised what it must not",
        extra={"task": type(task).__name__, "half": half},
        exc_info=error,
    )


def run(options: Options, environ: Mapping[str, str], given: dict[str, Any]) -> int:
    """Build and run; returns the exit code. Raises EgretError, OSError when it cannot start."""
    stop = StopSignal()
    stop.listen()
    app = App(options, environ, given, stop)
    try:
        return app.run()
    except EgretError:
        app.close_unstarted()
        raise
