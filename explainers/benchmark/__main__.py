"""`python -m explainers.benchmark`."""

from explainers.benchmark.cid import main

if __name__ == "__main__":
    main()
