"""A headless Chromium as a runtime of TensorFlow.js, for the backends that live in a page only.

The page gets its jobs from a server of this process on the loopback address, under a path that
nobody else knows. Graphics are drawn by SwiftShader on the processor, so that no graphics card is
needed and results do not depend on one. ``MLTK_CHROMIUM`` names the browser.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mltk.errors import InfrastructureError
from mltk.tfjs.node import BROWSER, find_node, packages
from mltk.tfjs.page import Page

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_GET = (
    "apt-get install chromium   (or set MLTK_CHROMIUM to a Chromium or Chrome, "
    "or list only cpu and wasm in export.backends)"
)
_OPTIONS = (
    *("--headless=new", "--hide-scrollbars", "--mute-audio"),
    # Software rendering, the same on every machine; browsers ask to be told so.
    *("--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"),
    *("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"),
    # Nothing is asked of the world, and nothing of the user.
    *("--no-first-run", "--no-default-browser-check", "--disable-extensions", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-breakpad"),
    *("--disable-background-timer-throttling", "--disable-renderer-backgrounding"),
    # Containers have a /dev/shm of 64 MB.
    "--disable-dev-shm-usage",
    # A key ring would ask for a password.
    "--password-store=basic",
)


def find_chromium(environ: Mapping[str, str] = os.environ) -> Path:
    """Find a Chromium or Chrome: ``MLTK_CHROMIUM``, else by the usual names on PATH.

    Raises InfrastructureError that says what to install.
    """
    named = environ.get("MLTK_CHROMIUM")
    for name in (named,) if named else _NAMES:
        found = shutil.which(name, path=environ.get("PATH", ""))
        if found:
            return Path(found).absolute()
    if named:
        raise InfrastructureError(
            f"MLTK_CHROMIUM is '{named}', which is no program",
            hint="unset MLTK_CHROMIUM, or set it to the path of a Chromium or Chrome",
        )
    raise InfrastructureError(
        "a Chromium is needed to run the backends webgl and webgpu; there is none", hint=_GET
    )


# What a page hears when the process that draws for it began anew, which Chromium does at times.
_LOST = re.compile(r"external Instance reference|[Dd]evice (is|was) lost|[Cc]ontext (was )?lost")
_ATTEMPTS = 3


class Chromium:
    """A browser with one page, open as long as the context; jobs run one after the other."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._browser = find_chromium(environ)
        self._page = Page(packages(find_node(environ), environ, BROWSER))
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with self._stack as opening:
            opening.enter_context(self._page)
            # The browser's processes may write a moment longer than they are waited for.
            home = opening.enter_context(
                tempfile.TemporaryDirectory(prefix="mltk-chromium-", ignore_cleanup_errors=True)
            )
            self._log = Path(home, "log")
            self._process = opening.enter_context(
                _running([str(self._browser), *_options(home), self._page.address], self._log)
            )
            self._stack = opening.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._page.close()
        self._stack.close()

    def run(self, job: Mapping[str, Any], bundle: Path, *, limit: float = 300.0) -> Any:
        """Have the page run a job on the bundle in that folder; give its answer.

        Raises InfrastructureError when the browser ends or `limit` seconds pass without an answer.
        """
        for _ in range(_ATTEMPTS):
            answer = self._page.ask(job, bundle, limit, lambda: self._process.poll() is None)
            lost = answer and _LOST.search(answer.get("error", {}).get("message", ""))
            if not lost:
                break
        if lost:
            raise InfrastructureError(
                f"the part of Chromium that draws broke down {_ATTEMPTS} times on the "
                f"{answer['error']['backend']} backend",
                where=str(self._browser),
                hint="leave that backend out of export.backends, or take another Chromium",
            )
        if answer is None:
            code = self._process.poll()
            what = f"gave no answer in {limit:.0f} s" if code is None else f"ended with code {code}"
            raise InfrastructureError(
                f"Chromium {what}: {_last_words(self._log)}",
                where=str(self._browser),
                hint="start it by hand to see what it lacks; MLTK_CHROMIUM names another",
            )
        return answer


def _options(home: str) -> tuple[str, ...]:
    # Chromium's sandbox refuses to run as root, who is whom containers run as.
    root = ("--no-sandbox",) if os.geteuid() == 0 else ()
    return (*_OPTIONS, *root, f"--user-data-dir={home}/profile")


@contextlib.contextmanager
def _running(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*_dying_with_us(), *command],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _dying_with_us() -> tuple[str, ...]:
    """What to put before a command whose process is to go when this one is killed.

    Nothing where util-linux is not installed: then only an orderly end takes it along.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return ()
    # Who was killed before the kernel was told so sends no signal: then another is the parent.
    unless_alone = f'[ "$PPID" = {os.getpid()} ] && exec "$@"'
    return (setpriv, "--pdeathsig", "KILL", "--", "/bin/sh", "-c", unless_alone, "sh")


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return " ".join(lines[-3:])[-400:] or "it said nothing"
