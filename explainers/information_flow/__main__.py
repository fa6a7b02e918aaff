"""`python -m explainers.information_flow`."""

from explainers.information_flow.command import main

if __name__ == "__main__":
    raise SystemExit(main())
