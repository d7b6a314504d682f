"""The programs that are compared, and how each is called."""
import os
import subprocess

from .rows import PARALLEL
from .sink import Sink

REGION = "us-east-1"
PREFIX = "x/"


def environment(home, temporary):
    """Nothing of the user's own: neither credentials, nor configuration, nor a proxy. The keys are examples, as the
    sink trusts everybody."""
    return {
        "PATH": os.environ.get("PATH", os.defpath), "HOME": home, "TMPDIR": temporary, "LANG": "C.UTF-8",
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example/secret", "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


class Tool:
    """A program at `path`. `call` gives its argv for one run; `work` is a directory of that run alone."""

    name = ""
    version_arguments = ()
    reads_names = False  # the names of the files on its input, with the tree as its directory
    wants_marker = False

    def __init__(self, path):
        self.path = path

    def version(self):
        output = subprocess.run(
            [self.path, *self.version_arguments], capture_output=True, text=True, check=False, timeout=60).stdout
        words = output.removeprefix(self.name).split()
        return words[0] if words else "unknown"

    def call(self, row, tree, endpoint, work):
        raise NotImplementedError


class Slipway(Tool):
    """`run --once` over the tree, with a new state directory, and so a ledger from nothing."""

    name = "slipway"
    version_arguments = ("--version",)
    wants_marker = True

    def call(self, row, tree, endpoint, work):
        file = os.path.join(work["memory"], "workflows.yaml")
        state = os.path.join(work[row.state], "state")
        # The sink's ETags are right wherever MD5 is sent, so the defaults need no `verify_etag: false`.
        checksum = "" if row.verified else ", checksum: none"
        write_workflow(file, tree.watched, endpoint, state, transfers=row.transfers or PARALLEL, destination=checksum)
        return [self.path, "run", "--once", "-f", file]


def write_workflow(file, watched, endpoint, state, *, bucket=Sink.BUCKET, transfers=PARALLEL, destination="",
                   intake="ready: { marker: .ready }", keys=""):
    """A file with one workflow, to the sink. `destination` and `keys` are put behind the other keys of those two, and
    begin with a comma."""
    with open(file, "w", encoding="utf-8") as out:
        out.write(f"""version: 1
settings: {{ state_dir: '{state}', transfers: {transfers} }}
destinations:
  sink:
    {{ type: s3, bucket: {bucket}, prefix: {PREFIX}, region: {REGION}, endpoint: '{endpoint}'{destination} }}
workflows:
  bench: {{ watch: '{watched}', {intake}, destinations: [sink]{keys} }}
""")


class S5cmd(Tool):
    """As it comes: 256 workers where the row does not say how many. It computes MD5 and SHA-256 in every row."""

    name = "s5cmd"
    version_arguments = ("version",)

    def call(self, row, tree, endpoint, work):
        workers = ["--numworkers", str(row.transfers)] if row.transfers else []
        return [
            self.path, "--endpoint-url", endpoint, "--log", "error", *workers,
            "cp", f"{tree.path}/*", f"s3://{Sink.BUCKET}/{PREFIX}",
        ]


class Rclone(Tool):
    """With as many transfers as Slipway, since its own 4 would make it look slow, and without the HEAD of every small
    object and of the bucket, which nobody else sends. It computes MD5 in every row."""

    name = "rclone"
    version_arguments = ("version",)

    def call(self, row, tree, endpoint, work):
        return [
            self.path, "copy", tree.path, f":s3:{Sink.BUCKET}/{PREFIX}", "--config", "", "--s3-provider", "Other",
            "--s3-env-auth", "--s3-region", REGION, "--s3-endpoint", endpoint, "--s3-no-head", "--s3-no-check-bucket",
            "--transfers", str(row.transfers or PARALLEL), "--log-level", "ERROR",
        ]


class Floor(Tool):
    """floor.c: what the requests alone cost."""

    name = "floor"
    version_arguments = ("--version",)
    reads_names = True

    def call(self, row, tree, endpoint, work):
        verified = ["--md5"] if row.verified else []
        return [self.path, str(row.transfers or PARALLEL), endpoint, f"/{Sink.BUCKET}/{PREFIX}", *verified]
