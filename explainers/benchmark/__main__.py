"""`python -m explainers.benchmark`."""

from explainers.benchmark.suite import main

if __name__ == "__main__":
    main()
