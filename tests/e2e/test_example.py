# SPDX-License-Identifier: ISC
"""The example of a configuration: as it is, and with everything in it switched on."""
import pathlib
import re

import hopgate as program

EXAMPLE = pathlib.Path(__file__).parents[2] / "packaging/examples/hopgate.conf"


def test_the_example_is_good():
    done = program.command("check", "--strict", "-c", EXAMPLE)
    assert done.returncode == 0, done.stderr


def test_what_is_commented_out_is_good_as_well(tmp_path):
    text = EXAMPLE.read_text(encoding="utf-8")
    body = text[text.index("# --- the process") :]
    # Directives begin with a lower-case word; prose with a capital letter.
    body = re.sub(r"^( *)# ( *[a-z}])", r"\1\2", body, flags=re.MULTILINE)
    body = body.replace("/etc/hopgate/", f"{tmp_path}/").replace("run-as hopgate hopgate", "")
    done = program.command("passwd", tmp_path / "users", "alice", input="secret\n")
    assert done.returncode == 0, done.stderr
    (tmp_path / "office.secret").write_text("secret\n")
    (tmp_path / "office.secret").chmod(0o600)
    (tmp_path / "routes.table").write_text("www.example direct\n")
    status, said = program.check(tmp_path, body)
    assert status == 0, said
