"""`make bench`: the product measured beside its peers, in one run."""
