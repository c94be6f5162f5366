# SPDX-License-Identifier: ISC
"""Node's undici, whose ProxyAgent makes tunnels for HTTP too, unless told to forward."""
import hashlib
import json
import os

import pytest

import servers
import shop
import tools
import websocket

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES = os.path.join(HERE, "../../build/node/node_modules")  # packaging/check brings them


@pytest.mark.parametrize("how", ["tunnel", "forward"])
def test_undici(hopgate, serve, tmp_path, how):
    program = tools.need("node")
    if not os.path.isdir(os.path.join(MODULES, "undici")):
        pytest.skip("undici is not installed")
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 shop.example chat.example\n")
    gateway = hopgate(f"resolver {{ servers 127.0.0.1:9; hosts {hosts} }}\n")
    chat, branch = serve(websocket.origin()), shop.shop()
    site = servers.WebSite(handler=branch)
    try:
        done = tools.run(
            *(program, os.path.join(HERE, "node/undici.js"), f"http://{gateway.hostport}"),
            f"http://shop.example:{site.port}",
            *(f"ws://chat.example:{chat.port}/chat", how),
            env={**os.environ, "NODE_PATH": MODULES},
        )
    finally:
        site.close()
    assert done.returncode == 0, done.stderr
    pieces = b"".join(bytes([number]) * 5000 for number in range(100))
    assert json.loads(done.stdout) == {
        "many": [str(number) for number in range(200)],
        "head": [200, "image/png"],
        "posted": shop.sum_of(b"y" * 1000000),
        "streamed": shop.sum_of(pieces),
        "redirected": "POST arrived",
        "downloaded": hashlib.sha256(b"z" * 5000000).hexdigest(),
        "missing": 404,
        "abandoned": "1",
        "chat": [1000, "frame 999", True],
    }
    assert all(bool(via) == (how == "forward") for _, _, via in branch.asked)
    command = "connect" if how == "tunnel" else "http"
    gateway.session(command=command, target=f"shop.example:{site.port}")
