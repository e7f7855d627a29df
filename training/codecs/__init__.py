"""Audio <-> codes: our drum codec and adapters to published ones, behind one interface."""
