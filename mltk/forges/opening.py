"""The git host that a run reports to, with the token of its environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from mltk.errors import ConfigError
from mltk.forges import bitbucket, github, gitlab
from mltk.forges.calls import Calls, Send, send
from mltk.forges.forge import Forge
from mltk.forges.reference import BITBUCKET, GITHUB, GITLAB, parse

TOKEN, API, LINK = "MLTK_FORGE_TOKEN", "MLTK_FORGE_API", "MLTK_FORGE_LINK"
"""Variables of the environment, from a Secret: the token, an API at another address, the page of
a run."""
_RUN = "{run}"


def open_forge(
    reference: str, environment: Mapping[str, str], *, send: Send = send
) -> Forge | None:
    """The repository of `reference` (``KIND:URL``), None where there is none or no token for it.

    ConfigError for a reference or a setting that is not as it must be.
    """
    token = environment.get(TOKEN, "").strip()
    if not reference or not token:
        return None
    found = parse(reference)
    api = environment.get(API, "").strip().rstrip("/") or found.api
    if not re.fullmatch(r"https?://[^\s/?#]+[^\s?#]*", api):
        raise ConfigError(
            f"'{api}' is no address of an API",
            where=API,
            hint=f"write it as in {found.api}, or leave it out",
        )
    if not token.isprintable() or not token.isascii() or " " in token:
        raise ConfigError("the token is not one word", where=TOKEN, hint="copy it once more")
    if found.kind == GITLAB:
        calls = Calls(api, gitlab.headers(token), gitlab.SCOPE, send)
        return gitlab.GitLabForge(calls, found.quoted)
    if found.kind == BITBUCKET:
        calls = Calls(api, bitbucket.headers(token), bitbucket.SCOPE, send)
        return bitbucket.BitbucketForge(calls, found.quoted, found.site)
    if found.kind == GITHUB:
        calls = Calls(api, github.github_headers(token), github.GITHUB_SCOPE, send)
        return github.GitHubForge(calls, found.quoted)
    calls = Calls(api, github.gitea_headers(token), github.GITEA_SCOPE, send)
    return github.GitHubForge(calls, found.quoted, paged=False)


def link_to(run: str, environment: Mapping[str, str]) -> str:
    """The page that shows a run, "" where nobody said which; ConfigError for what is no page."""
    page = environment.get(LINK, "").strip()
    if not page:
        return ""
    if not re.fullmatch(r"https?://[^\s/]+\S*", page) or _RUN not in page:
        raise ConfigError(
            f"'{page}' is no page of runs",
            where=LINK,
            hint="write it as in https://tekton.example.org/#/namespaces/ml/pipelineruns/{run}",
        )
    return page.replace(_RUN, quote(run, safe=""))
