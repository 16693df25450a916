"""`python -m mbtoolkit`."""

import sys

from mbtoolkit.cli import main

sys.exit(main())
