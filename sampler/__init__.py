"""Sampled drum kits and their sample-accurate mixer: ground truth and baseline of the project."""
