from __future__ import annotations

from ipcrt.fidl.lint_model import Role
from ipcrt.fidl.lint_survey import survey
from ipcrt.fidl.parsed import parse_source
from ipcrt.fidl.source import SourceFile

TEXT = """library t;
using a.b as c;
alias N = vector<N2>:3;
type T = table { 1: x strict enum { A = 1; }; };
open protocol P {
    flexible M(struct { r bool; }) -> (N) error flexible enum {};
    flexible -> OnE(struct { e bool; });
};
"""


def test_everything_is_listed_with_its_role() -> None:
    source = SourceFile("a.fidl", TEXT)
    library = survey([(source, parse_source(source))])
    assert [(use.name, use.role) for use in library.layouts] == [
        ("T", Role.NAMED),
        ("x", Role.ANONYMOUS),
        ("M", Role.REQUEST),
        ("M", Role.ERROR),
        ("OnE", Role.EVENT),
    ]
    assert [(m.name, m.owner.role) for m in library.members] == [
        ("x", Role.NAMED),
        ("r", Role.REQUEST),
        ("e", Role.EVENT),
    ]
    assert library.units[0].imports == {"c": "a.b"}
    assert [(use.is_event, use.is_two_way) for use in library.methods] == [
        (False, True),
        (True, False),
    ]
