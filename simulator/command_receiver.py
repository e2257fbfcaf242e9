"""`python -m simulator receiver`: its options, its first line, a line for every change."""

import argparse
import json
import sqlite3
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from simulator.clock import utc_s
from simulator.command_plant import port
from simulator.faults import Behaviour
from simulator.receiver import Receiver
from simulator.signals import run_until, stop_signals

REPORT_S = 1.0
"""How often changes are looked for; many deliveries in between make one line."""

_TOLD = (
    "devices",
    "gaps",
    "duplicates",
    "conflicts",
    "bad_signatures",
    "unknown_keys",
    "malformed",
)


def add_parser(commands: Any) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "receiver",
        help="an ingest endpoint that checks every signature and can be told to misbehave",
        description=(
            "Takes signed deliveries on any path, checks signature, gaps, duplicates and "
            "conflicts, acknowledges with 200, and fails, delays or drops when told to. "
            "GET /stats, /identities, /conflicts, /records and /behaviour show what came."
        ),
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 for the whole network")
    add("--port", type=port, default=8090, help="TCP port; 0 takes a free one")
    add("--store", metavar="FILE", help="keep what came in this SQLite file; in memory if absent")
    add("--gateway", metavar="URL", help="a gateway to ask for its public key")
    add("--key", action="append", default=[], metavar="SERIAL=HEX", help="trust this public key")
    add("--fail", type=float, metavar="RATE", help="share of deliveries to answer with --status")
    add("--status", type=int, metavar="CODE", help="what --fail answers (503); alone: to all")
    add("--delay", type=float, metavar="SECONDS", help="wait before each answer")
    add("--drop", type=float, metavar="RATE", help="share to close on, not stored, not answered")
    add("--lose-ack", type=float, metavar="RATE", help="share to store but not answer")
    add("--seed", type=int, default=0, help="same seed, same faults")
    add("--json", action="store_true", help="make the first line one JSON object, for programs")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the receiver until told to stop."""
    try:
        receiver = Receiver(
            options.host,
            options.port,
            store=options.store,
            keys=dict(_key(text) for text in options.key),
            gateway=options.gateway,
            seed=options.seed,
            behaviour=_behaviour(options),
        )
    except sqlite3.Error as error:
        raise ValueError(f"{Path(options.store)} cannot be used as a store: {error}") from None
    with stop_signals() as stopped, receiver:
        first = json.dumps({"url": receiver.url}) if options.json else receiver.url
        print(first, flush=True)
        teller = Teller(receiver)
        run_until(stopped, teller.tell, REPORT_S)
        teller.tell()
    return 0


def _behaviour(options: argparse.Namespace) -> Behaviour:
    wanted = {
        "fail": options.fail,
        "status": options.status,
        "delay_s": options.delay,
        "drop": options.drop,
        "lose_ack": options.lose_ack,
    }
    given = {name: value for name, value in wanted.items() if value is not None}
    assert given.keys() <= {field.name for field in fields(Behaviour)}
    return Behaviour().changed(**given)


def _key(text: str) -> tuple[str, str]:
    serial, equals, public_key = text.partition("=")
    if not equals:
        raise ValueError(f"--key {text}: write it as SERIAL=HEX")
    return serial, public_key


class Teller:
    """Says what changed since it last spoke: one line, or nothing."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._told = dict.fromkeys(_TOLD, 0)

    def tell(self) -> None:
        """Print a line if a figure that matters has changed."""
        stats = self._receiver.stats()
        now = {name: stats[name] for name in _TOLD}
        if now == self._told:
            return
        changes = ", ".join(
            f"{name.replace('_', ' ')} {before} -> {now[name]}"
            for name, before in self._told.items()
            if now[name] != before
        )
        clock = datetime.fromtimestamp(utc_s(), UTC).strftime("%H:%M:%S")
        print(f"{clock}  {changes}  ({stats['accepted']} accepted)", flush=True)
        self._told = now
