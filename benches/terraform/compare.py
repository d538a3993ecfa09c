#!/usr/bin/env python3
"""The shapes of our benches as `terraform_data` resources, measured beside ours: CPU time and peak memory of each command.

Every command is a process of its own and is measured from outside in the same way (rusage: user and system time of the
process and its children, the largest resident set of any of them, which is never less than this script's own, some
14 MiB). Both sides describe objects with the same names, fields and references, keep their state in a local directory,
and make objects that take no time.

    benches/terraform/compare.py                      # 1,000 objects of every shape
    benches/terraform/compare.py 100 1000 --shapes flat,layered
    benches/terraform/compare.py 100 --write DIR      # only write the descriptions, run nothing

Needs Python 3.9 or later, and for the comparison `terraform` or `tofu` on the PATH (or --terraform PROGRAM). The exit
code is 0, 1 when a command fails, 2 for bad arguments, 3 when there is no such program. Without one, --ours measures our
side alone.
"""

import argparse
import json
import math
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent
DIAMONDS = 200  # A hundred layers of two; about paths, so of one size only.


def needs(shape, at, size):
    """The numbers of the objects that object `at` of `size` needs, as in benches/common/shapes.rs."""
    if shape == "flat":
        return []
    if shape == "chain":
        return [at - 1] if at else []
    if shape == "hub-and-spoke":
        spokes = math.isqrt(size)
        if at == 0:
            return []
        if at <= spokes:
            return [0]
        if at + 1 == size:
            return list(range(1, spokes + 1))
        return [0, 1 + at % spokes]
    width = 10 if shape == "layered" else 2
    if at < width:
        return []
    start = (at // width - 1) * width
    if shape == "layered":
        return sorted({start + of % 10 for of in (at, at + 3, at + 7)})
    return [start, start + 1]


SHAPES = ["flat", "chain", "hub-and-spoke", "layered", "diamonds"]


def description(shape, size):
    """The graph in Terraform's language."""
    blocks = []
    for at in range(size):
        name = f"thing-{at:06}"
        references = ", ".join(f"terraform_data.thing-{need:06}.id" for need in needs(shape, at, size))
        blocks.append(
            f"""resource "terraform_data" "{name}" {{
  input = {{
    name     = "{name}"
    revision = 0
    needs    = [{references}]
    tags = {{
      Name            = "{name}"
      "skyplat:stack" = "dev/0123456789abcdef"
      team            = "platform"
    }}
  }}
}}
"""
        )
    return "\n".join(blocks)


class Failed(Exception):
    """A command that did not do what it should."""


def measure(command, directory, environment):
    """Runs a command; returns its CPU seconds, peak memory in MiB, and output."""
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(command, cwd=directory, env=environment, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    # Kilobytes on Linux, bytes on macOS.
    unit = 1 if platform.system() == "Darwin" else 1024
    return child.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 2**20, text


def theirs(program, shape, size, parallelism, directory):
    """Plan, apply, plan without a change, destroy, by Terraform or OpenTofu."""
    (directory / "main.tf").write_text(description(shape, size))
    # No look for newer versions, no user's configuration, no colours: nothing but the work.
    environment = {**os.environ, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_CLI_CONFIG_FILE": os.devnull}
    for name in ("TF_CLI_ARGS", "TF_LOG", "TF_WORKSPACE", "TF_DATA_DIR"):
        environment.pop(name, None)
    base = [program]
    more = ["-input=false", "-no-color", f"-parallelism={parallelism}"]

    def run(step, command, expected=0):
        code, seconds, memory, text = measure(base + command, directory, environment)
        if code != expected:
            raise Failed(f"{program} {' '.join(command)} ended with {code} instead of {expected}:\n{text[-2000:]}")
        return step, seconds, memory

    run("init", ["init", "-input=false", "-no-color"])
    yield run("plan from nothing", ["plan", "-detailed-exitcode", *more], expected=2)
    yield run("apply", ["apply", "-auto-approve", *more])
    made = len(json.loads((directory / "terraform.tfstate").read_text())["resources"])
    if made != size:
        raise Failed(f"{made} objects were made instead of {size}")
    yield run("plan without a change", ["plan", "-detailed-exitcode", *more], expected=0)
    yield run("destroy", ["destroy", "-auto-approve", *more])
    if json.loads((directory / "terraform.tfstate").read_text())["resources"]:
        raise Failed("a destroy left something")


def ours(program, shape, size, directory):
    """The same by skyplat: `benches/once.rs` says at its end how many objects it changed, or would change."""

    def run(step, command, expected):
        code, seconds, memory, text = measure([program, command, shape, str(size), "."], directory, None)
        if code != 0 or text.strip() != str(expected):
            raise Failed(f"once {command} {shape} {size} ended with {code} and not {expected} changes:\n{text[-2000:]}")
        return step, seconds, memory

    yield run("plan from nothing", "plan", size)
    yield run("apply", "apply", size)
    yield run("plan without a change", "plan", 0)
    yield run("destroy", "destroy", size)


def build():
    """Builds our side and returns the program's path."""
    cargo = ["cargo", "bench", "--locked", "--bench", "once", "--no-run", "--message-format", "json"]
    built = subprocess.run(cargo, cwd=REPOSITORY, stdout=subprocess.PIPE, check=False)
    if built.returncode != 0:
        raise Failed("skyplat cannot be built")
    messages = [json.loads(line) for line in built.stdout.splitlines() if line.startswith(b"{")]
    paths = [m["executable"] for m in messages if m.get("target", {}).get("name") == "once" and m.get("executable")]
    if not paths:
        raise Failed("cargo built nothing called once")
    return paths[-1]


def cell(seconds, memory):
    """CPU time and peak memory, three and two digits."""
    time_text = f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
    return f"{time_text}, {memory:.0f} MiB"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sizes", nargs="*", type=int, default=[1000], metavar="N", help="numbers of objects")
    parser.add_argument("--shapes", default=",".join(SHAPES), help="some of: %(default)s")
    parser.add_argument("--parallelism", type=int, default=64, help="operations at one time (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=1, help="times to run everything; the least counts")
    parser.add_argument("--terraform", metavar="PROGRAM", help="default: terraform, else tofu")
    parser.add_argument("--ours", action="store_true", help="measure our side alone")
    parser.add_argument("--write", metavar="DIR", help="only write the descriptions, one folder each")
    given = parser.parse_args()
    given.shapes = given.shapes.split(",")
    if unknown := [shape for shape in given.shapes if shape not in SHAPES]:
        parser.error(f"no such shape: {', '.join(unknown)}; there are {', '.join(SHAPES)}")
    if any(size < 1 for size in given.sizes):
        parser.error("a number of objects is 1 or more")
    return given


def main():
    given = arguments()
    cases = [(s, n) for s in given.shapes for n in ([DIAMONDS] if s == "diamonds" else given.sizes)]
    if given.write:
        for shape, size in cases:
            folder = Path(given.write) / f"{shape}-{size}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "main.tf").write_text(description(shape, size))
            print(folder / "main.tf")
        return 0
    program = given.terraform or shutil.which("terraform") or shutil.which("tofu")
    if not given.ours and (program is None or shutil.which(program) is None):
        wanted = given.terraform or "terraform nor tofu"
        print(
            f"there is no {wanted} on the PATH, so there is nothing to compare with.\n"
            "Install one of them, name it with --terraform PROGRAM, or measure our side alone with --ours.",
            file=sys.stderr,
        )
        return 3
    try:
        once = build()
        best = {}
        for _ in range(given.rounds):
            for shape, size in cases:
                sides = [("ours", lambda d, s=shape, n=size: ours(once, s, n, d))]
                if not given.ours:
                    sides.append(
                        ("theirs", lambda d, s=shape, n=size: theirs(program, s, n, given.parallelism, d))
                    )
                for side, run in sides:
                    with tempfile.TemporaryDirectory() as directory:
                        for step, seconds, memory in run(Path(directory)):
                            key = (shape, size, step, side)
                            best[key] = min(best.get(key, (seconds, memory)), (seconds, memory))
                            print(f"{side:6} {shape} {size} {step}: {cell(seconds, memory)}", file=sys.stderr)
    except Failed as failure:
        print(failure, file=sys.stderr)
        return 1
    name = None
    if not given.ours:
        shown = subprocess.run([program, "version"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        name = next((line for line in shown.stdout.decode().splitlines() if " v" in line), program)
    print(f"CPU time and peak memory of one process; {platform.machine()}, {os.cpu_count()} cores, "
          f"load {os.getloadavg()[0]:.1f}, {time.strftime('%Y-%m-%d')}\n")
    print("| what | skyplat |" + (f" {name} | |" if name else ""))
    print("|---|---|" + ("---|---|" if name else ""))
    for shape, size in cases:
        for step in ("plan from nothing", "plan without a change", "apply", "destroy"):
            row = f"| {step}, {size:,} objects, {shape} | {cell(*best[shape, size, step, 'ours'])} |"
            if name:
                there = best[shape, size, step, "theirs"]
                times = there[0] / max(best[shape, size, step, "ours"][0], 1e-6)
                row += f" {cell(*there)} | {times:.0f} × |"
            print(row)
    return 0


if __name__ == "__main__":
    sys.exit(main())
