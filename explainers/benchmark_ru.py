"""`python -m explainers.benchmark_ru`."""

from explainers.benchmark.ru import main

if __name__ == "__main__":
    main()
