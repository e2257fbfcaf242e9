"""A disk whose power can be cut: what was written but never synced is gone afterwards."""
