"""Indicators: the one formula of each, as plain functions of floats.

`signals.compiled` has numba make machine code of these same functions for the processes that decide; web processes call
them as they stand here. Both come to the same last bit: the order of the operations is fixed, there is no fastmath, and
a window is summed anew for every bar, so that nothing drifts.

A function that remembers is given `row`, the numbers that are kept from bar to bar, and `at`, the place of its own
numbers in it; each says how many these are. A row begins with zeros, holds finite numbers alone, and is a list in a web
process and an array in the engine. What is not known yet is NaN.
"""
