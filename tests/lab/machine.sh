# The lab's machines: where their images lie, what hardware they have, how their monitors are spoken to. Sourced by `build`
# and `vm`. The hardware has to be the same when a snapshot is taken and when it is started, so this file is part of every
# image's digest.
#
# A kind of machine (store1, kvm1, xen1) belongs to an image, and images/NAME says what is in it:
#
#   image_kinds        the kinds that it boots as, each frozen when it answers
#   image_packages     what it has beside lab_common in `build`
#   image_disks        empty disks, as letter:size
#   image_configure    a script for the new system, before it is booted
#   image_warm KIND    a script for the booted machine, before it is frozen
#   machine_hardware   what a kind has for hardware, and how it boots
# shellcheck shell=bash

lab_sources=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lab_dir=${VBS_LAB_DIR:-$lab_sources/../../target/lab}
lab_images="store1 hypervisors"

die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# Relative paths name the same place from any directory afterwards.
use_lab_dir() {
  mkdir -p "$lab_dir"
  lab_dir=$(cd "$lab_dir" && pwd)
}

# Chooses an image by its name; $lab_image is where it lies.
use_image() { # name
  [ -e "$lab_sources/images/$1" ] || die "there is no image named $1: $lab_images"
  # shellcheck source=/dev/null
  . "$lab_sources/images/$1"
  lab_image_name=$1
  lab_image=$lab_dir/$1-$(lab_digest "$1")
}

# Chooses the image of a kind of machine.
use_kind() { # kind
  local image
  for image in $lab_images; do
    use_image "$image"
    case " $image_kinds " in *" $1 "*) lab_kind=$1; return ;; esac
  done
  die "there is no kind of machine named $1: store1, kvm1 or xen1"
}

# Of everything that decides what an image holds: a snapshot is for the QEMU that took it.
lab_digest() { # image
  {
    cat "$lab_sources/build" "$lab_sources/machine.sh" "$lab_sources/images/$1"
    grep '^VERSION_CODENAME=' /etc/os-release
    qemu-system-x86_64 --version 2>/dev/null || true
  } | sha256sum | cut -c1-12
}

# The processor's own clock runs on while the machine is paused or loaded, and a guest that trusts it loses its timers: it
# reads the HPET.
lab_guest_options="net.ifnames=0 mitigations=off clocksource=hpet tsc=unstable nowatchdog loglevel=5 systemd.show_status=false"

# The disks of an instance of the chosen image, as the names of their files, the system's first.
lab_disk_files() {
  local disk
  echo root
  for disk in $image_disks; do echo "disk-${disk%%:*}"; done
}

# The command line in `machine_command`, for an instance whose files are in the current directory. Writes that the
# guest has flushed are on the files (cache=writeback), and nothing leaves the machine (restrict=on). The second card is
# part of the snapshot, what it is connected to is not: machines with a `peer` share a network of their own, and the
# others are alone on it. Each is a socket in its own directory, so that neither has to be there first.
machine_command() { # kind image-directory [peer]
  local disk letter san="hubport,id=san,hubid=1"
  [ -z "${3:-}" ] || san="dgram,id=san,local.type=unix,local.path=san,remote.type=unix,remote.path=../$3/san"
  machine_command=(
    qemu-system-x86_64 -no-user-config -nodefaults -name "vbs-lab-$1" -display none
    -accel "tcg,thread=multi,tb-size=256" -cpu "Nehalem,-svm,-vmx"
    -chardev "file,id=serial,path=serial.log,append=on" -serial chardev:serial
    -qmp "unix:monitor,server=on,wait=off"
  )
  machine_hardware "$1" "$2"
  machine_command+=(
    -device virtio-rng-pci
    -netdev "user,id=ssh,restrict=on,hostfwd=tcp:127.0.0.1:0-:22"
    -device "virtio-net-pci,netdev=ssh,mac=52:54:00:4c:41:01,romfile="
    -netdev "$san" -device "virtio-net-pci,netdev=san,mac=52:54:00:4c:42:$(san_number "$1"),romfile="
    -drive "file=root.qcow2,format=qcow2,if=none,id=root,cache=writeback"
    -device "virtio-blk-pci,drive=root,serial=lab-a"
  )
  for disk in $image_disks; do
    letter=${disk%%:*}
    machine_command+=(
      -drive "file=disk-$letter.qcow2,format=qcow2,if=none,id=disk-$letter,cache=writeback,discard=unmap"
      -device "virtio-blk-pci,drive=disk-$letter,serial=lab-$letter"
    )
  done
}

# The last number of a kind's address on the network between the machines, 10.9.0.0/24, in two digits.
san_number() { # kind
  case $1 in store1) echo 01 ;; kvm1) echo 02 ;; xen1) echo 03 ;; esac
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
