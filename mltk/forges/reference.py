"""Which repository of which git host is meant, as one word that a param of a run can hold. Pure.

``KIND:URL``: the kind of host and the page of the repository, e.g.
``gitea:https://git.example.org/team/wine``. Where its API is follows from both.
"""

from __future__ import annotations

import dataclasses
from urllib.parse import quote, urlsplit

from mltk.errors import ConfigError
from mltk.wording import did_you_mean

GITHUB, GITLAB, GITEA, BITBUCKET = "github", "gitlab", "gitea", "bitbucket"
KINDS = (GITHUB, GITLAB, GITEA, BITBUCKET)

_API = {GITHUB: "/api/v3", GITLAB: "/api/v4", GITEA: "/api/v1", BITBUCKET: "/rest/api/1.0"}
_PAGES = {BITBUCKET: "projects/TEAM/repos/wine"}
_PUBLIC_GITHUB = {"github.com": "https://api.github.com"}


@dataclasses.dataclass(frozen=True)
class ForgeReference:
    """A repository: the `kind` of its host, the host's `site`, and its `path` there.

    `site` has no slash at its end; a host may lie below a path (``https://example.org/git``).
    """

    kind: str
    site: str
    path: str

    @property
    def api(self) -> str:
        """The address of the API, which `MLTK_FORGE_API` replaces."""
        public = _PUBLIC_GITHUB.get(urlsplit(self.site).netloc) if self.kind == GITHUB else None
        return public or self.site + _API[self.kind]

    @property
    def quoted(self) -> str:
        """The path of the repository as a part of an address; for GitLab it is one word."""
        return quote(self.path, safe="" if self.kind == GITLAB else "/~")


def parse(text: str) -> ForgeReference:
    """Read ``KIND:URL``; ConfigError for anything else."""
    kind, colon, url = text.partition(":")
    if not colon or kind not in KINDS:
        raise ConfigError(
            f"'{text}' is no git host{did_you_mean(kind, KINDS)}",
            where="the param 'forge'",
            hint=f"write KIND:URL of the repository, with KIND one of {', '.join(KINDS)}",
        )
    parts = urlsplit(url.removesuffix(".git").rstrip("/"))
    names = parts.path.strip("/").split("/")
    if kind == BITBUCKET:
        names = _of_bitbucket(names)
    if parts.scheme not in ("http", "https") or not parts.hostname or len(names) < 2:
        raise ConfigError(
            f"'{url}' is no page of a repository",
            where="the param 'forge'",
            hint=f"write it as in {kind}:https://git.example.org/{_PAGES.get(kind, 'team/wine')}",
        )
    # GitLab has groups within groups; elsewhere what precedes OWNER/NAME is where the host lies.
    above = [] if kind == GITLAB else names[:-2]
    host = parts.netloc.rpartition("@")[2]
    site = "/".join([f"{parts.scheme}://{host}", *above])
    return ForgeReference(kind, site, "/".join(names[len(above) :]))


def _of_bitbucket(names: list[str]) -> list[str]:
    """KEY/SLUG for ``projects/KEY/repos/SLUG`` and ``scm/KEY/SLUG``; a user's key begins with ~."""
    match names:
        case [*above, "projects", key, "repos", slug] | [*above, "scm", key, slug]:
            return [*above, key, slug]
        case [*above, "users", name, "repos", slug]:
            return [*above, f"~{name}", slug]
    return []
