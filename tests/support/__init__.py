"""Shared by the tests and the tour: real input events and small real data."""
