"""The optional C extension, and the one place that decides whether it is used (`chosen`).

Knows the wire format's usual case and the packets' system calls, a second time: each function here
has a pure twin in the room that it speeds up, and leaves to it whatever is unusual. Must not know
the rooms above: what it raises comes from `errors`, what it falls back to is passed in.
docs/speedups.md says what is in C, what it saves and how it is kept safe.
"""
