"""What runs bundles, ready to run them: a process that imports this has a Node.js that stays.

Processes that are forked to run steps import it ahead, as does a script that runs many bundles.
"""

from __future__ import annotations

from mltk.tfjs import manifest, service

service.keep()

# pydantic builds what reads a bundle.json when that is first asked for.
manifest.reader()
