"""Commands that play, or talk to what plays."""
