"""What the two commands understand alike."""
import argparse
import os
import sys
import tempfile

from .problem import USAGE, Problem


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\n")


def choice_of(known, empty=()):
    def parse(text):
        if text in empty:
            return []
        names = text.split(",")
        unknown = [name for name in names if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; there are {', '.join(known)}")
        return [name for name in known if name in names]
    return parse


def positive(text):
    value = int(text) if text.isdecimal() else 0
    if not 1 <= value <= 1000:
        raise argparse.ArgumentTypeError("a number from 1 to 1000 is needed")
    return value


def in_memory():
    """Where files are in memory on this machine, as far as can be told."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else tempfile.gettempdir()


def expect_writable(*files):
    """Said before half an hour has been spent on what cannot be kept."""
    for file in filter(None, files):
        directory = os.path.dirname(os.path.abspath(file))
        if not os.access(directory, os.W_OK):
            raise Problem(f"{file} cannot be written: {directory} is not there, or not writable", USAGE)
