"""Decoders from a layer's feature back to the picture: found, loaded and trained."""

from explainers.decoders.cards import DecoderCard, find_decoder, load_decoder, read_card, save_decoder

__all__ = ["DecoderCard", "find_decoder", "load_decoder", "read_card", "save_decoder"]
