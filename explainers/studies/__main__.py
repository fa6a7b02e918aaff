"""`python -m explainers.studies`."""

from explainers.studies.command import main

if __name__ == "__main__":
    raise SystemExit(main())
