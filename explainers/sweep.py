"""`python -m explainers.sweep`: maps of whole sets of pictures, one row each."""

import sys

from explainers.sweeps.command import main

if __name__ == "__main__":
    sys.exit(main())
