VERSION = 0
MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
SPECIES = tuple(range(12))
