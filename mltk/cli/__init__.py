"""The command line: `mltk VERB KIND [NAME]`, with the habits of kubectl and tkn.

One module a command; what it needs is imported when it is called, so that the cheap ones stay
cheap. `main` is the console script and the one place where an error becomes words and a code.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from mltk.cli.app import cli

__all__ = ["main", "cli"]


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line with `args` (default: those of the process); return the exit code.

    0 done, 1 a step failed, 2 usage, 3 configuration, 4 the gate said no, 5 infrastructure,
    130 interrupted (docs/exit-codes.md).
    """
    try:
        code = cli.main(args=args, prog_name="mltk", standalone_mode=False)
        # What is still in the buffer may meet a closed pipe: better here than at the very end.
        sys.stdout.flush()
    except Exception as error:
        from mltk.cli.failure import report

        return report(error)
    return code if isinstance(code, int) else 0
