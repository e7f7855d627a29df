"""What the drummers share: model folders, styles, tokens."""
