"""The commands of ``python3 -m tests.cluster.node``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.cluster.node import binaries, node
from tests.cluster.node.commands import say
from tests.cluster.node.errors import NodeError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; what it did goes to stderr, what was asked for to stdout."""
    arguments = _parser().parse_args(argv)
    try:
        return _run(arguments)
    except NodeError as error:
        say(f"error: {error.what}")
        if error.hint:
            say(f"hint: {error.hint}")
        return error.exit_code
    except OSError as error:
        say(f"error: {error.filename}: {error.strerror}" if error.filename else f"error: {error}")
        return NodeError.exit_code
    except KeyboardInterrupt:
        return 130


def _run(arguments: argparse.Namespace) -> int:
    match arguments.command:
        case "up":
            say(node.up())
        case "build":
            say(node.build())
        case "down":
            say(node.down())
        case "check":
            node.check()
            say("this machine can hold the test node")
        case "load":
            say(node.load(arguments.archive))
        case "restart":
            say(node.restart(arguments.component))
        case "path":
            sys.stdout.write(f"{binaries.tools()}\n")
        case "status":
            return _status()
    return 0


def _status() -> int:
    for part in node.components():
        process = part.process()
        sys.stdout.write(f"{part.name:20} {process.pid if process else '-'}\n")
    reasons = node.lacking()
    for reason in reasons:
        say(reason)
    return 5 if reasons else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m tests.cluster.node",
        description="A one-node Kubernetes with Tekton on this machine, with no image registry.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("up", help="bring the node up, or what of it is not up")
    commands.add_parser("build", help="build the programs of the node, unless they are there")
    commands.add_parser("down", help="end and remove the node; the cache stays")
    commands.add_parser("check", help="say why this machine cannot hold the node (exit 3)")
    commands.add_parser("status", help="the components and what is missing (exit 5)")
    commands.add_parser("path", help="print the folder that holds kubectl, tkn and helm")
    load = commands.add_parser("load", help="import an image archive, unless it is there")
    load.add_argument("archive", type=Path, metavar="IMAGE.tar")
    restart = commands.add_parser("restart", help="end a component and start it again")
    restart.add_argument("component", metavar="COMPONENT")
    return parser
