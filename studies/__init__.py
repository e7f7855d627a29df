"""Measurements of whole models: what the commands `ghostnote evaluate` run, and the store of their findings."""
