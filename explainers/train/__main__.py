"""`python -m explainers.train`."""

from explainers.train.command import main

if __name__ == "__main__":
    main()
