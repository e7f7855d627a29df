"""Causal building blocks that run whole or hop by hop with the same `forward`."""
