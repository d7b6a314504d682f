"""The server that everything is sent to: nginx with sink.conf and sink.lua, on a free port of 127.0.0.1."""
import os
import random
import shutil
import subprocess
import time
import urllib.error
import urllib.request

from .problem import MISSING, Problem

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MODULES = "/usr/lib/nginx/modules"  # where Debian's packages put them
PORTS = range(20_000, 32_000)  # below those that the kernel gives to outgoing connections
ATTEMPTS = 20  # ports that are tried
START_LIMIT = 10  # seconds until it answers


def find_nginx():
    """nginx's path, if it and its Lua module are there."""
    program = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    return program if program and os.path.exists(f"{MODULES}/ngx_http_lua_module.so") else None


class Sink:
    """Runs while it is entered. It ends with the harness too, should that be killed."""

    BUCKET = "bench"
    NOTED = "noted"  # a bucket that keeps each request with its time

    def __init__(self, directory):
        self.directory = directory
        self.program = find_nginx()
        self.process = None
        self.endpoint = None

    def __enter__(self):
        if not self.program:
            raise Problem("nginx with its Lua module is missing: apt-get install nginx libnginx-mod-http-lua", MISSING)
        os.makedirs(self.directory)
        try:
            for port in random.sample(PORTS, ATTEMPTS):
                if self._start(port):
                    return self
        except BaseException:
            self.__exit__()
            raise
        raise Problem(f"nginx does not start:\n{self._log()}")

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(START_LIMIT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def counts(self):
        """The objects and the bytes that have come since `forget`."""
        objects, size = self._ask("counts").split()
        return int(objects), int(float(size))

    def requests(self):
        """(method, path, CLOCK_MONOTONIC in seconds) of each request to the bucket NOTED since this was asked last, or
        since `forget`. The time is that at which the request's head had been read."""
        lines = (line.rsplit(" ", 1) for line in self._ask("requests").splitlines() if line)
        return [(*head.split(" ", 1), float(time)) for head, time in lines]

    def forget(self):
        self._ask("forget")

    def _start(self, port):
        configuration = os.path.join(self.directory, "nginx.conf")
        with open(os.path.join(HERE, "sink.conf"), encoding="utf-8") as source:
            text = source.read()
        for word, value in (("@modules@", MODULES), ("@port@", str(port)), ("@here@", HERE)):
            text = text.replace(word, value)
        with open(configuration, "w", encoding="utf-8") as out:
            out.write(text)
        command = ["setpriv", "--pdeathsig", "TERM", self.program, "-p", self.directory, "-c", configuration]
        with open(os.path.join(self.directory, "start.log"), "wb") as log:
            self.process = subprocess.Popen(
                [*command, "-e", "error.log"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        self.endpoint = f"http://127.0.0.1:{port}"
        return self._answers()

    def _answers(self):
        """False if it has ended, as it does where the port is taken."""
        deadline = time.monotonic() + START_LIMIT
        while self.process.poll() is None:
            try:
                self._ask("counts")
                return self.process.poll() is None
            except (OSError, urllib.error.URLError):
                if time.monotonic() > deadline:
                    raise Problem(f"nginx does not answer:\n{self._log()}") from None
                time.sleep(0.02)
        return False

    def _ask(self, question):
        # Without the proxies of the environment.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self.endpoint}/-/{question}", timeout=START_LIMIT) as answer:
            return answer.read().decode()

    def _log(self):
        text = ""
        for name in ("start.log", "error.log"):
            path = os.path.join(self.directory, name)
            if os.path.exists(path):
                with open(path, encoding="utf-8", errors="replace") as file:
                    text += file.read()
        return text[-2000:]
