"""`python -m mbtoolkit.sandbox`: the sandbox in the foreground."""

import sys

from mbtoolkit.sandbox.command import main

if __name__ == "__main__":
    sys.exit(main())
