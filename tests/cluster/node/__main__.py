from __future__ import annotations

import sys

from tests.cluster.node.cli import main

if __name__ == "__main__":
    sys.exit(main())
