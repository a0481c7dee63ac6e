"""demo: the whole runtime at work, in processes of its own, everything checked.

Knows: the services' contracts, how processes are started, measured and ended, how to show it.
Must not know: how anything below keeps its promises; it only sees whether they are kept.
Convicted by: tests/services/demo, which also breaks things and wants to see them reported.
"""
