# SPDX-License-Identifier: ISC
"""tests/layers finds what it is there to find."""
import os
import subprocess
import sys

import pytest

LAYERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../layers")
FILES = {
    "gateway/word.c": '#include "config.h"\n#include "gateway/word.h"\n',
    "gateway/word.h": '#include <stddef.h>\n#include "routes/routes.h"\n',
    "gateway/carrier.c": '#include "gateway/carrier.h"\n#include "resolver/resolver.h"\n',
    "gateway/carrier.h": '#include <event2/event.h>\n#include "gateway/word.h"\n',
    "gateway/main.c": '#include "gateway/carrier.h"\n#include "auth/auth.h"\n',
    "routes/routes.h": "",
    "routes/table.c": '#include "routes/inside.h"\n',
    "routes/inside.h": '#include "routes/routes.h"\n',
    "resolver/resolver.h": "",
    "resolver/ask.c": '#include "resolver/resolver.h"\n',
    "auth/auth.h": "",
    "auth/check.c": '#include "auth/auth.h"\n',
}
UNITS = ["word", "carrier", "main", "ask", "check", "table"]
ARROWS = {
    "word knows a carrier": ("gateway/word.c", '#include "gateway/carrier.h"\n'),
    "word uses libevent": ("gateway/word.c", "#include <event2/event.h>\n"),
    "word knows the resolver": ("gateway/word.h", '#include "resolver/resolver.h"\n'),
    "carrier knows auth": ("gateway/carrier.c", '#include "auth/auth.h"\n'),
    "main knows the inside of routes": ("gateway/main.c", '#include "routes/inside.h"\n'),
    "routes knows the gateway": ("routes/table.c", '#include "gateway/word.h"\n'),
    "resolver knows routes": ("resolver/ask.c", '#include "routes/routes.h"\n'),
    "auth knows the resolver": ("auth/check.c", '#include "resolver/resolver.h"\n'),
    "not from the root": ("gateway/word.c", '#include "word.h"\n'),
    "not listed": ("gateway/forgotten.c", "\n"),
}


def layers(directory, files, units=UNITS):
    """Run it on a tree of small files whose .d files are written as a compiler would."""
    for path, text in files.items():
        (directory / path).parent.mkdir(exist_ok=True)
        (directory / path).write_text(text)
    for path in files:
        if path.endswith(".c"):
            listing = " ".join(str(directory / name) for name in [path, *seen(files, path)])
            (directory / path).with_suffix(".d").write_text(f"{path[:-2]}.o: {listing}\n\nx.h:\n")
    return subprocess.run(
        [sys.executable, LAYERS, *units],
        cwd=directory,
        env={**os.environ, "LAYERS_ROOT": str(directory)},
        capture_output=True,
        text=True,
        check=False,
    )


def seen(files, path):
    found = []
    for line in files[path].splitlines():
        name = line.split('"')[1] if '"' in line else None
        name = f"gateway/{name}" if name == "word.h" else name
        if name in files:
            found += [name, *seen(files, name)]
    return found


def test_a_good_tree(tmp_path):
    done = layers(tmp_path, FILES)
    assert done.returncode == 0, done.stderr
    assert "6 units, 0 forbidden" in done.stdout


@pytest.mark.parametrize("name", ARROWS)
def test_a_forbidden_arrow(tmp_path, name):
    path, line = ARROWS[name]
    done = layers(tmp_path, {**FILES, path: FILES.get(path, "") + line})
    assert done.returncode == 1
    assert path.split(".")[0] in done.stderr, done.stderr


def test_a_unit_that_is_listed_twice(tmp_path):
    done = layers(tmp_path, FILES, ["word", "carrier word", *UNITS[2:]])
    assert done.returncode == 1 and "twice" in done.stderr
