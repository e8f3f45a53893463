"""The protocol suite as a matrix: which test shows which rule of which specification."""
