"""Names of layouts that have none."""

from __future__ import annotations

from ipcrt.fidl.naming import NamingContext


def test_names_and_paths() -> None:
    protocol = NamingContext("my_protocol")
    request = protocol.payload("doIt", "Request")
    assert request.flattened == "MyProtocolDoItRequest"
    assert request.path == ["my_protocol", "doIt", "Request"]
    member = request.member("some_member")
    assert member.flattened == "SomeMember"
    assert member.path == ["my_protocol", "doIt", "Request", "some_member"]
    member.override = "Other"
    assert member.flattened == "Other"
