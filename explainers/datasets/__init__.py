"""Pictures to look at and to train on: rendered birds, photographs, CIFAR-10, a folder of the user's."""
