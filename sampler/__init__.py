"""Sampled drum kits and their sample-accurate mixer: ground truth, baseline and live fallback of the project."""
