"""`make bench`: measures the cost of a delivery against the usual design and nchan, all in the same run."""
