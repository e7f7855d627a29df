"""Measures of rendered drums against their reference, and the tables and pictures made from them."""
