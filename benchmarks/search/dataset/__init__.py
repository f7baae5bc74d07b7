"""The clinic that is searched: what it did follows from numbers, the resources follow from what it did."""
