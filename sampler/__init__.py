"""Sampled drum kits mixed sample-accurately: ground truth of training, baseline of evaluation, fallback when playing."""
