"""What a git host is told of a run: the status of the commit, the comment on the pull request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import click

from mltk.errors import MltkError
from mltk.forges.discussion import plain, say
from mltk.forges.forge import CommitStatus, State
from mltk.forges.opening import link_to, open_forge
from mltk.steps.account import Account, judgement, measured

_STATES: dict[str, State] = {
    "registered": "success",
    "judged": "success",
    "rejected": "failure",
    "failed": "failure",
    "incomplete": "error",
}


def context(model: str) -> str:
    """The name of the check: each model has its own."""
    return f"mltk/{model}"


def commit_status(account: Account, link: str = "") -> CommitStatus:
    """How the commit stands for the model of the run, which the page `link` shows."""
    return CommitStatus(context(account.model), _STATES[account.outcome], account.headline, link)


def section(account: Account) -> str:
    """What the comment on a pull request says of the model. Pure."""
    parts = [
        [f"### {account.model}: {account.headline}"],
        *judgement(account.verdict),
        *measured(account.evaluation),
        list(_origin(account)),
    ]
    return plain("\n\n".join("\n".join(part) for part in parts if part))


def _origin(account: Account) -> Iterator[str]:
    said = [f"commit {account.revision[:12]}"]
    if account.source:
        said.append(f"data {account.source.data_version[:16]}")
    yield f"Run `{account.run}`, {', '.join(said)}."


def tell(
    account: Account, reference: str, pull_request: str, environment: Mapping[str, str]
) -> None:
    """Tell the git host of `reference`, if the environment has a token for it.

    What goes wrong is said and no more: the run is what it is, told or not.
    """
    try:
        forge = open_forge(reference, environment)
        if forge is None:
            return
        link = link_to(account.run, environment)
        forge.set_status(account.revision, commit_status(account, link))
        click.echo(f"told {reference.partition(':')[0]}: {account.headline}", err=True)
        if pull_request.isdigit():
            say(forge, int(pull_request), account.model, section(account))
    except MltkError as error:
        click.echo(f"warning: the git host was not told\n{error.describe()}", err=True)
