"""Where this machine gets Debian packages from, by its own apt configuration."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

SUITE = "bookworm"


@dataclasses.dataclass(frozen=True)
class Mirror:
    """A mirror of Debian, and one of its security updates; empty where apt names none."""

    main: str = ""
    security: str = ""

    def sources(self) -> str:
        """Give sources.list for the suite with its updates."""
        suites = (
            (self.main, SUITE),
            (self.main, f"{SUITE}-updates"),
            (self.security, f"{SUITE}-security"),
        )
        return "".join(f"deb {uri} {suite} main\n" for uri, suite in suites if uri)


def of_machine(etc: Path = Path("/etc/apt")) -> Mirror:
    """Give the mirrors that apt uses here for this suite."""
    files = [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*"))]
    uris: dict[str, str] = {}
    for file in files:
        if file.is_file():
            for suite, uri in _entries(file.read_text(encoding="utf-8", errors="replace")):
                uris.setdefault(suite, uri)
    return Mirror(uris.get(SUITE, ""), uris.get(f"{SUITE}-security", ""))


def _entries(text: str) -> Iterator[tuple[str, str]]:
    """Suite and URI of each source, of either of apt's two formats."""
    for uri, suite in re.findall(r"^deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)", text, re.MULTILINE):
        yield suite, uri.rstrip("/")
    for paragraph in re.split(r"\n\s*\n", text):
        fields: Mapping[str, str] = dict(re.findall(r"^(\w+):[ \t]*(.*)$", paragraph, re.MULTILINE))
        for suite in fields.get("Suites", "").split():
            for uri in fields.get("URIs", "").split()[:1]:
                yield suite, uri.rstrip("/")
