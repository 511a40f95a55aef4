"""The core interceptors by name, and what each says of a request."""

from __future__ import annotations

from dataclasses import dataclass

from mltk.tekton.triggers.interceptors import bitbucket, cel, github, gitlab, slack
from mltk.tekton.triggers.interceptors.owners import Connect
from mltk.tekton.triggers.interceptors.protocol import Refusal, Request, Response, Secrets

NAMES = ("bitbucket", "cel", "github", "gitlab", "slack")


@dataclass(frozen=True)
class Core:
    """The core interceptors, with what they need from outside."""

    secrets: Secrets
    connect: Connect

    def process(self, name: str, request: Request) -> Response:
        """What the interceptor `name`, one of `NAMES`, says of `request`."""
        try:
            match name:
                case "bitbucket":
                    return bitbucket.process(request, self.secrets)
                case "cel":
                    return cel.process(request, self.secrets)
                case "github":
                    return github.process(request, self.secrets, self.connect)
                case "gitlab":
                    return gitlab.process(request, self.secrets)
            return slack.process(request)
        except Refusal as refusal:
            return refusal.response
