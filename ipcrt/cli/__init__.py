"""The command line: one file a verb.

Knows: how a person asks and is answered; everything below, loaded only when a verb needs it.
Must not know: any service (it finds protocols by entry points), nor the wire's bytes.
Convicted by: tests/cli, which runs the real commands.
"""
