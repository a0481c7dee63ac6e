"""canvas: lines go in, the rectangle around them comes out; in two ways to keep in step.

Knows: points, lines, when to draw. Must not know: who its clients are, or each other's canvases.
Convicted by: tests/services/canvas, with server and clients in processes of their own.
"""
