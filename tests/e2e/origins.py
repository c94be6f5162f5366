# SPDX-License-Identifier: ISC
"""Web servers that people use, each on a free port with a configuration of its own."""
import grp
import os
import pwd
import shutil

import pytest

import tools
from waiting import free_port, until_accepts

NGINX = """
daemon off;
worker_processes 1;
{user}
pid {directory}/pid;
error_log {directory}/error.log;
events {{ worker_connections 512; }}
http {{
    types {{ text/html html; text/plain txt; image/png png; application/javascript js; }}
    default_type application/octet-stream;
    log_format line escape=json '$request|$http_via|$connection|$status|$http_user_agent';
    access_log {directory}/access.log line;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    client_max_body_size 100m;
    gzip_types text/plain;
    server {{
        listen 127.0.0.1:{port};
        root {root};
        location / {{ }}
        location /gzip/ {{ alias {root}/; gzip on; gzip_proxied any; }}
        location /upload/ {{ alias {directory}/upload/; dav_methods PUT DELETE; }}
        location /small/ {{ alias {directory}/upload/; dav_methods PUT; client_max_body_size 1k; }}
        location = /moved {{ return 302 http://$http_host/hello.txt; }}
        location = /moved-for-good {{ return 308 /hello.txt; }}
        location = /empty {{ return 204; }}
    }}
}}
"""
APACHE = """
ServerRoot {directory}
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile {directory}/pid
ErrorLog {directory}/error.log
LogFormat "%r|%{{Via}}i|%k|%>s|%{{User-Agent}}i" line
CustomLog {directory}/access.log line
Mutex file:{directory}
{user}
{modules}
TypesConfig /dev/null
DocumentRoot {root}
<Directory />
    Require all granted
</Directory>
{more}
"""
MODULES = "mpm_prefork authz_core alias env cgi dir mime"
MODULE_PATHS = ("/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/etc/httpd/modules")


def nobody():
    """The user and the group that servers become when they are started by root."""
    row = pwd.getpwnam("nobody")
    return row.pw_name, grp.getgrgid(row.pw_gid).gr_name


class Origin:
    """A running web server; `seen()` are the requests that it had."""

    def __init__(self, directory, root):
        self.directory, self.root, self.port = directory, root, free_port()
        self.process = None
        directory.mkdir()
        directory.chmod(0o777)  # its workers do not stay root

    def launch(self, conf, *command):
        path = self.directory / "conf"
        path.write_text(conf)
        command = [str(word).format(conf=path) for word in command]
        self.process = tools.start(*command, log=self.directory / "log")
        until_accepts(("127.0.0.1", self.port), self.process)
        return self

    def url(self, path="/", host="127.0.0.1"):
        return f"http://{host}:{self.port}{path}"

    def seen(self):
        """(request line, Via, number of the connection or of the request on it, status, agent)"""
        text = (self.directory / "access.log").read_text()
        return [tuple(line.split("|", 4)) for line in text.splitlines()]

    def close(self):
        if self.process:
            tools.end(self.process)


def nginx(directory, root):
    """nginx; what is put to /upload/ is below directory/upload."""
    program, origin = tools.need("nginx"), Origin(directory, root)
    (directory / "upload").mkdir()
    (directory / "upload").chmod(0o777)
    conf = NGINX.format(
        directory=directory,
        root=root,
        port=origin.port,
        user="user {} {};".format(*nobody()) if os.geteuid() == 0 else "",
    )
    return origin.launch(conf, program, "-e", directory / "error.log", "-c", "{conf}")


def apache(directory, root, more=""):
    """Apache with CGI and what `more` says."""
    names = ("apache2", "httpd")
    program = next((p for p in (shutil.which(n, path=tools.PATH) for n in names) if p), None)
    if not program:
        pytest.skip("apache2 is not installed")
    path = next(path for path in MODULE_PATHS if os.path.isdir(path))
    origin = Origin(directory, root)
    built_in = tools.run(program, "-l").stdout
    wanted = [name for name in MODULES.split() if f"mod_{name}.c" not in built_in]
    conf = APACHE.format(
        directory=directory,
        root=root,
        port=origin.port,
        user="User {}\nGroup {}".format(*nobody()) if os.geteuid() == 0 else "",
        modules="\n".join(f"LoadModule {name}_module {path}/mod_{name}.so" for name in wanted),
        more=more,
    )
    return origin.launch(conf, program, "-DFOREGROUND", "-f", "{conf}")
