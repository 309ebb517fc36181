"""`make bench`: what a delivery costs, beside the usual design and nchan in the same run."""
