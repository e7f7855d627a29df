"""The OSC namespace as one table, its packets, a client, and the pages that follow from it."""
