"""The post-receive hook of a bare repository: put in, taken out, its events sent."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

from mltk.errors import ConfigError, InfrastructureError, NotFound, UsageError
from mltk.forges import post_receive
from mltk.project.git import Repository

_MARK = b"# mltk: a post-receive hook"


def install(
    repository: Path, url: str, secret_file: Path, clone_url: str | None, python: str
) -> None:
    """Write the hook; one that was there runs before ours. Doing it again changes the settings.

    UsageError for an address that is none, ConfigError for a secret that cannot be used or a folder
    that is no repository to push to.
    """
    root = _repository(repository)
    _check_url(url)
    _check_secret(secret_file)
    hook = root / "hooks" / "post-receive"
    before = hook.with_name(post_receive.CHAINED)
    try:
        hook.parent.mkdir(exist_ok=True)
        (root / post_receive.FOLDER).mkdir(exist_ok=True)
        settings = {
            "url": url,
            "secret_file": str(secret_file.absolute()),
            "clone_url": clone_url or str(root),
        }
        _write(
            root / post_receive.FOLDER / "settings.json", json.dumps(settings, indent=1).encode()
        )
        if not (root / post_receive.FOLDER / post_receive.KNOWN).exists():
            # What was pushed before there was a hook is nobody's event.
            post_receive.write_known(root, post_receive.branches(root))
        if hook.exists() and not _is_ours(hook):
            if before.exists():
                raise ConfigError(
                    "there is a hook of somebody's, and another one that was kept before",
                    where=str(before),
                    hint=f"put what both do into one of them, and remove {before.name}",
                )
            hook.rename(before)
        source = Path(post_receive.__file__).read_bytes()
        _write(hook, f"#!{python}\n".encode() + source.partition(b"\n")[2])
        hook.chmod(0o755)
    except OSError as error:
        raise InfrastructureError(
            f"cannot be read or written: {error.strerror}", where=str(error.filename or root)
        ) from None


def uninstall(repository: Path) -> int:
    """Take the hook out and put the one before it back; how many events were never sent."""
    root = _repository(repository)
    hook = root / "hooks" / "post-receive"
    if not hook.exists() or not _is_ours(hook):
        raise NotFound("there is no hook of mltk's", where=str(root))
    left = len(post_receive.kept(root))
    hook.unlink()
    if (before := hook.with_name(post_receive.CHAINED)).exists():
        before.rename(hook)
    shutil.rmtree(root / post_receive.FOLDER, ignore_errors=True)
    return left


def send(repository: Path, out: TextIO) -> int:
    """Send the events that wait, and those that a hook could not keep; how many still wait."""
    root = _repository(repository)
    file = root / post_receive.FOLDER / "settings.json"
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise NotFound(
            "there is no hook of mltk's", where=str(root), hint="type `mltk hook install`"
        ) from None
    try:
        post_receive.catch_up(root, settings, [])
        return post_receive.send_kept(root, settings, out)
    except OSError as error:
        raise InfrastructureError(
            f"the events cannot be sent: {error.strerror or error}",
            where=str(error.filename or root),
            hint="they are kept; type `mltk hook send` again when that is mended",
        ) from None


def hidden(place: str) -> str:
    """Why steps of the embedded engine cannot clone the folder `place`; empty where they can."""
    from mltk.local.isolation import TEMPORARY

    parts = urlsplit(place)
    folder = Path(parts.path if parts.scheme == "file" else place)
    own = [each for each in TEMPORARY if folder.is_relative_to(each)]
    if parts.scheme not in ("", "file") or not own:
        return ""
    return (
        f"runs of `mltk listen` cannot clone {folder}: each step has a {own[0]} of its own\n"
        "move the repository to another folder, name an address that can be cloned from there with"
        " --clone-url, or listen with --runtime plain"
    )


def _repository(folder: Path) -> Path:
    """Where the hooks of a repository lie: itself when it is bare, else its .git."""
    found = Repository(folder.resolve()).try_git("rev-parse", "--absolute-git-dir")
    if found is None:
        raise ConfigError(
            "this is no git repository",
            where=str(folder),
            hint="name the bare repository that people push to, such as /srv/git/wine.git",
        )
    return Path(found.strip())


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(
            f"'{url}' is no address of a listener", hint="write it as in http://127.0.0.1:8080/"
        )


def _check_secret(file: Path) -> None:
    try:
        secret, mode = file.read_bytes().strip(), file.stat().st_mode
    except OSError as error:
        raise ConfigError(
            f"the secret cannot be read: {error.strerror}",
            where=str(file),
            hint=f"openssl rand -hex 20 > {file} && chmod 600 {file}",
        ) from None
    if not secret:
        raise ConfigError("the secret is empty", where=str(file))
    if mode & stat.S_IROTH:
        raise ConfigError(
            "everybody of this machine can read the secret",
            where=str(file),
            hint=f"chmod 600 {file}",
        )


def _is_ours(hook: Path) -> bool:
    return _MARK in hook.read_bytes()[:400]


def _write(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.part")
    draft.write_bytes(content)
    draft.replace(path)
