# The lab's machine: where its image lies, what hardware it has, how its monitor is spoken to. Sourced by `build` and
# `vm`. The hardware has to be the same when the snapshot is taken and when it is started, so this file is part of the
# image's digest.
# shellcheck shell=bash

lab_sources=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lab_dir=${VBS_LAB_DIR:-$lab_sources/../../target/lab}

die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# Relative paths name the same place from any directory afterwards.
use_lab_dir() {
  mkdir -p "$lab_dir"
  lab_dir=$(cd "$lab_dir" && pwd)
  lab_image=$lab_dir/image-$(lab_digest)
}

# Of everything that decides what the image holds: a snapshot is for the QEMU that took it.
lab_digest() {
  {
    cat "$lab_sources/build" "$lab_sources/machine.sh"
    grep '^VERSION_CODENAME=' /etc/os-release
    qemu-system-x86_64 --version 2>/dev/null || true
  } | sha256sum | cut -c1-12
}

# Disks for volume groups: letter:size. A guest sees /dev/vdb, and /dev/disk/by-id/virtio-lab-b.
lab_disks="b:8G c:4G d:1G"

# The command line in `machine_command`, for an instance whose files are in the current directory. Writes that the
# guest has flushed are on the files (cache=writeback), and nothing leaves the machine (restrict=on). The processor's own
# clock runs on while the machine is paused or loaded, and a guest that trusts it loses its timers: it reads the HPET.
machine_command() { # image-directory
  local disk letter
  machine_command=(
    qemu-system-x86_64 -no-user-config -nodefaults -name vbs-lab -display none
    -machine q35 -accel "tcg,thread=multi,tb-size=256" -cpu "Nehalem,-svm,-vmx" -smp 2 -m 768
    -kernel "$1/kernel" -initrd "$1/initrd"
    -append "root=/dev/vda rw console=ttyS0 net.ifnames=0 mitigations=off clocksource=hpet tsc=unstable nowatchdog loglevel=5 systemd.show_status=false"
    -chardev "file,id=serial,path=serial.log,append=on" -serial chardev:serial
    -qmp "unix:monitor,server=on,wait=off"
    -device virtio-rng-pci
    -netdev "user,id=ssh,restrict=on,hostfwd=tcp:127.0.0.1:0-:22"
    -device "virtio-net-pci,netdev=ssh,mac=52:54:00:4c:41:01,romfile="
    # For a second machine, later: the card is part of the snapshot, what it is connected to is not.
    -netdev "hubport,id=san,hubid=1" -device "virtio-net-pci,netdev=san,mac=52:54:00:4c:41:02,romfile="
    -drive "file=root.qcow2,format=qcow2,if=none,id=root,cache=writeback"
    -device "virtio-blk-pci,drive=root,serial=lab-a"
  )
  for disk in $lab_disks; do
    letter=${disk%%:*}
    machine_command+=(
      -drive "file=disk-$letter.qcow2,format=qcow2,if=none,id=disk-$letter,cache=writeback,discard=unmap"
      -device "virtio-blk-pci,drive=disk-$letter,serial=lab-$letter"
    )
  done
}

# Says one line to the monitor whose socket is in the current directory and prints the answer, with real line ends. It
# ends with the answer, an error of QEMU's fails.
monitor() { # timeout command…
  local patience=$1 line
  shift
  coproc MONITOR { exec socat - UNIX-CONNECT:monitor 2>&1; }
  local reader=${MONITOR[0]} writer=${MONITOR[1]} speaker=$MONITOR_PID answer="" status=1
  read -r -t "$patience" -u "$reader" line || line=""
  if [[ $line == *'"QMP"'* ]]; then
    printf '%s\n' '{"execute":"qmp_capabilities"}' \
      '{"execute":"human-monitor-command","id":"line","arguments":{"command-line":"'"$*"'"}}' >&"$writer"
    while read -r -t "$patience" -u "$reader" line; do
      [[ $line == *'"id": "line"'* ]] || continue
      status=0
      answer=${line#*'"return": "'}
      answer=${answer%'", "id"'*}
      case $line in *'"error"'*) status=1 answer=$line ;; esac
      break
    done
  else
    answer="the monitor does not answer: $line"
  fi
  { kill "$speaker" && wait "$speaker"; } 2>/dev/null || true
  answer=${answer//'\r\n'/$'\n'}
  answer=${answer//'\"'/'"'}
  printf '%s' "$answer"
  # The monitor's own commands tell of failures in words.
  case $answer in Error*|*"does not"*|*unknown*) status=1 ;; esac
  return "$status"
}

# The port on 127.0.0.1 that leads to the guest's sshd; QEMU has chosen it.
ssh_port() { monitor 20 info usernet | awk '/HOST_FORWARD/ { print $4; exit }'; }
