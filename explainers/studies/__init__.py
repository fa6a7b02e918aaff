"""The paper's experiments: one file for each, which says what was claimed, what is computed and what is concluded.

Beside them the commands of older tables; `base/` is what all studies are made of.
"""
