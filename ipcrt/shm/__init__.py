"""Shared memory: state that one process writes and many read, rings, and images.

Knows: memory that several processes map, and the order in which each must look at it.
Must not know: who sends a VMO to whom, and by which protocol (`bindings` and above).
Convicted by: tests/shm, each file by its twin, with real processes on the other side.
"""
