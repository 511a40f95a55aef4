#!/usr/bin/env python3
# mltk: a post-receive hook of git; `mltk hook install` writes it, `mltk hook uninstall` removes it.
"""Post a signed event of each branch that a push has moved, in the form of GitHub's.

A copy of this file lies in the repository and runs with any Python 3 and nothing else. What cannot
be delivered waits in the repository, in the order in which it came, for the next push. What each
branch was at when an event of it was last kept is written down, so that the next one tells what a
hook that was killed could not keep.
"""

import contextlib
import errno
import fcntl
import hashlib
import hmac
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any, Dict, Iterator, List, TextIO, Tuple  # noqa: UP035  (Pythons of servers)

FOLDER = "mltk-hook"
CHAINED = "post-receive.before-mltk"
KNOWN = "branches.json"
_NOBODY = "0" * 40
_SECONDS = 10.0
_BRANCHES = "refs/heads/"


def main(repository: Path, updates: List[str], out: TextIO) -> None:  # noqa: UP006
    """Keep an event for each line of `updates` (OLD NEW REF), then send what is kept."""
    settings = json.loads((repository / FOLDER / "settings.json").read_text(encoding="utf-8"))
    told = [tuple(line.split(" ", 2)) for line in updates]
    catch_up(repository, settings, [each for each in told if each[2].startswith(_BRANCHES)])
    send_kept(repository, settings, out)


def catch_up(
    repository: Path,
    settings: Dict[str, str],  # noqa: UP006
    told: List[Any],  # noqa: UP006
) -> None:
    """Keep the events of updates (OLD, NEW, REF) and of all that nobody has kept an event of."""
    with _alone(repository):
        known, now = _known(repository), branches(repository)
        if known is None:
            # Lost: what moved by this push is known by its lines, what moved before by nobody.
            known = {**now, **{ref: before for before, _, ref in reversed(told)}}
        for update in missed(told, known, now):
            _keep(repository, event(repository, settings, *update))
        write_known(repository, now)


def missed(
    told: List[Any],  # noqa: UP006
    known: Dict[str, str],  # noqa: UP006
    now: Dict[str, str],  # noqa: UP006
) -> List[Any]:  # noqa: UP006
    """The updates to keep: `told` but for those kept before, and what moved besides. Pure.

    Hooks of pushes at the same moment come in any order: an update may be kept by another one.
    """
    found, reached = [], dict(known)
    for before, after, ref in told:
        last = reached.get(ref, _NOBODY)
        if last == after:
            continue
        if last not in (before, now.get(ref, _NOBODY)):
            found.append((last, before, ref))
        found.append((before, after, ref))
        reached[ref] = after
    for ref in sorted(set(known) | set(now)):
        last, tip = reached.get(ref, _NOBODY), now.get(ref, _NOBODY)
        if tip not in (last, known.get(ref, _NOBODY)):
            found.append((last, tip, ref))
    return found


def branches(repository: Path) -> Dict[str, str]:  # noqa: UP006
    """The commit of each branch, by its full name."""
    listing = _git(repository, "for-each-ref", "--format=%(objectname) %(refname)", _BRANCHES)
    pairs = [line.split(" ", 1) for line in listing.splitlines()]
    return {ref: commit for commit, ref in pairs}


def write_known(repository: Path, found: Dict[str, str]) -> None:  # noqa: UP006
    """Write down that events of these commits are kept, or need not be."""
    file = repository / FOLDER / KNOWN
    draft = file.with_name(".branches.part")
    draft.write_text(json.dumps(found, indent=1, sort_keys=True), encoding="utf-8")
    draft.replace(file)


def _known(repository: Path) -> "Dict[str, str] | None":  # noqa: UP006
    try:
        found = json.loads((repository / FOLDER / KNOWN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def event(
    repository: Path,
    settings: Dict[str, str],  # noqa: UP006
    before: str,
    after: str,
    ref: str,
) -> Dict[str, Any]:  # noqa: UP006
    """The event in GitHub's form, as far as triggers look at it."""
    deleted = set(after) == {"0"}
    message = "" if deleted else _git(repository, "show", "--no-patch", "--format=%B", after)
    commit = {"id": after, "message": message.strip()}
    return {
        "ref": ref,
        "before": before,
        "after": after,
        "created": set(before) == {"0"},
        "deleted": deleted,
        "head_commit": None if deleted else commit,
        "commits": [] if deleted else [commit],
        "repository": {
            "name": repository.name[:-4] if repository.name.endswith(".git") else repository.name,
            "clone_url": settings["clone_url"],
        },
        "pusher": {"name": os.environ.get("GL_USERNAME") or os.environ.get("USER") or ""},
    }


def send_kept(repository: Path, settings: Dict[str, str], out: TextIO) -> int:  # noqa: UP006
    """Send all that waits, the oldest first, and say what came of it; how many still wait."""
    with _alone(repository):
        waiting = kept(repository)
        for number, file in enumerate(waiting):
            body = file.read_bytes()
            trouble, again = _post(settings, file.stem.partition("-")[2], body)
            found = json.loads(body)
            what = "{} {}".format(found["ref"][len(_BRANCHES) :], found["after"][:12])
            if not trouble:
                file.unlink()
                print(f"mltk: told {settings['url']} of {what}", file=out)
            elif again:
                left = len(waiting) - number
                print(f"mltk: {settings['url']} was not told of {what}: {trouble}", file=out)
                print(
                    f"mltk: the push is done; {left} event(s) wait for the next push,"
                    " or for `mltk hook send`",
                    file=out,
                )
                return left
            else:
                file.rename(file.with_suffix(".refused"))
                print(f"mltk: {settings['url']} refused {what}: {trouble}", file=out)
    return 0


def kept(repository: Path) -> List[Path]:  # noqa: UP006
    """The events that wait, in the order in which they came."""
    return sorted((repository / FOLDER / "waiting").glob("*.json"))


def _keep(repository: Path, found: Dict[str, Any]) -> None:  # noqa: UP006
    folder = repository / FOLDER / "waiting"
    folder.mkdir(parents=True, exist_ok=True)
    taken = [int(each.name.partition("-")[0]) for each in folder.glob("*-*")]
    # The delivery id comes of what was pushed: who sends it twice sends it under the same.
    text = "{before} {after} {ref}".format(**found)
    identity = uuid.uuid5(uuid.NAMESPACE_URL, f"{found['repository']['clone_url']} {text}")
    if any(folder.glob(f"*-{identity}.json")):
        return  # one that was killed kept it, and did not write that down any more
    draft = folder / f".{identity}"
    draft.write_text(json.dumps(found), encoding="utf-8")
    draft.replace(folder / f"{max(taken, default=0) + 1:08d}-{identity}.json")


def _post(settings: Dict[str, str], delivery: str, body: bytes) -> Tuple[str, bool]:  # noqa: UP006
    """What went wrong, empty for nothing, and whether it may go well another time."""
    try:
        secret = Path(settings["secret_file"]).read_bytes().strip()
    except OSError as error:
        return f"{settings['secret_file']} cannot be read ({error.strerror})", True
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest(),
        "X-Mltk-Hook": "1",
    }
    request = urllib.request.Request(settings["url"], body, headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS):  # noqa: S310
            return "", False
    except urllib.error.HTTPError as error:
        with error:
            return f"it answers {error.code}", error.code >= 500 or error.code in (404, 408, 429)
    except (OSError, ValueError) as error:
        return str(getattr(error, "reason", error)), True


@contextlib.contextmanager
def _alone(repository: Path) -> Iterator[None]:
    """Keep two pushes at the same moment from sending one event twice."""
    with (repository / FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _git(repository: Path, *words: str) -> str:
    done = subprocess.run(  # noqa: UP022  (Python 3.6 does not know capture_output)
        ["git", *words], cwd=str(repository), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    if done.returncode:
        # Taken for an answer, silence would be a repository whose branches are all gone.
        said = done.stderr.decode("utf-8", "replace").strip()
        raise OSError(errno.EIO, f"git {words[0]} failed: {said or done.returncode}")
    return done.stdout.decode("utf-8", "replace")


def _hook() -> None:
    repository = Path(__file__).resolve().parent.parent
    given = sys.stdin.read()
    before = repository / "hooks" / CHAINED
    if before.exists():
        subprocess.run([str(before)], input=given.encode(), check=False)
    try:
        main(repository, given.splitlines(), sys.stderr)
    except (OSError, ValueError, KeyError) as error:
        # The push is done already, and nothing that goes wrong here may look otherwise.
        sys.stderr.write(f"mltk: the event could not be made: {error}\n")


if __name__ == "__main__":
    _hook()
