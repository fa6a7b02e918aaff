"""`python -m explainers.train_decoders`: the command by the name that cards give it."""

from explainers.decoders.command import main

if __name__ == "__main__":
    main()
