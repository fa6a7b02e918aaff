"""Information flow: how much of a whole data set the layers of a noisy network know, in nats."""
