"""Commands about kits."""
