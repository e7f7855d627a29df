"""Commands that check and set up this machine."""
