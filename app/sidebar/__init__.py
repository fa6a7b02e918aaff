"""Controls of network, layer and picture."""
