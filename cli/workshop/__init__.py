"""Commands that train and measure; the packaged program is without them."""
