"""FIDL to try tools on: a library that has everything, and whole libraries where there are some.

`IPCRT_FIDL_SAMPLES` names a directory with `.fidl` files below it, to be tried as well.
"""

from __future__ import annotations

import os
from pathlib import Path

EVERYTHING = """\
// A licence.
// Second line of it.

@available(added=1)
library tools.sample; // behind the library


using zx;
using tools.other as other;
// about the first constant
const A uint32 = 0x10;
const B uint32 = A|(2 | B.C); // behind B
alias Name=string:<MAX_NAME,optional>;
/// What a thing is.
type Kind = strict enum:uint8 { // behind the brace
    // before ONE


    ONE = 1; TWO = 2; // behind TWO
                      // and on
    // last of Kind
};
type Empty = struct {
};
type Flags = flexible bits : uint32 { F = 0b1; };
type Row = resource table {
    /// The vmo.
    1: vmo zx.Handle:<VMO, zx.Rights.READ | zx.Rights.WRITE | zx.Rights.MAP | zx.Rights.DUPLICATE>;
    2: inner vector<@generated_name("In") struct { x array<uint8,4>; enum Kind; }>:A;
};
type Choice = flexible(added=1, removed=2) resource union { 1: a box<Empty>; 3: type bool; };
/// A protocol of many parts; its doc.
@discoverable @transport("Channel") open protocol Talk {
    compose Base;
    /// Says.
    @selector("tools.sample/Talk.Speak") flexible Say(resource struct { words string:100;
      end server_end:<Talk,optional>; }) -> (struct { count uint32; }) error Kind; strict Go();

    strict AMethodWithAnExceptionallyLongName(tools.other.Request)->(tools.other.Response)
      error zx.Status; flexible -> OnDone( // why
        struct { ok bool; });
    // nothing follows
};
service Where { talk client_end:Talk; };
resource_definition Thing : uint32 { properties { subtype Kind; }; };
// the end
"""


def sample_texts() -> dict[str, str]:
    """Answer names and texts of the files there are."""
    found = {"everything.fidl": EVERYTHING}
    root = os.environ.get("IPCRT_FIDL_SAMPLES", "")
    if root:
        for path in sorted(Path(root).rglob("*.fidl")):
            found[str(path.relative_to(root))] = path.read_text()
    return found
