# IET, the iSCSI Enterprise Target of the first VBS, by templates: its `ietadm`, its list of targets in /proc, and its file
# of who may come in. What has room for a kernel of today uses `export "lio"`.

host "store1" { address = "ssh://root@store1.example.net" }
host "dom0" { address = "ssh://root@dom0.example.net" }

pool "lvm" "fast" {
  host         = host.store1
  volume_group = "vg0"

  export "command" {
    portal = "10.0.0.2:3260"
    lun    = 0
    by_id  = "/dev/disk/by-id/scsi-SIET_VIRTUAL-DISK_{scsi_id}"

    # A serial has 32 characters here, so it is the digits of vbs's own.
    export = [
      ["ietadm", "--op", "new", "--tid={number}", "--params", "Name={target}"],
      ["ietadm", "--op", "new", "--tid={number}", "--lun={lun}", "--params", "Path={device},Type=blockio,ScsiSN={scsi_id}"],
    ]
    withdraw = ["ietadm", "--op", "delete", "--tid={number}"]

    # ietd reads its file at each login. A line is added by `tee`, which is given it on standard input.
    grant  = ["tee", "-a", "/etc/iet/initiators.allow"]
    revoke = ["sed", "-i", "\\|^{target} {initiator}$|d", "/etc/iet/initiators.allow"]
    stdin {
      grant = "{target} {initiator}\n"
    }

    # tid:1 name:iqn.2026-11.vbs.shop:…
    #     lun:0 state:0 iotype:blockio iomode:wt blocks:… blocksize:512 path:/dev/vg0/db
    list {
      command = ["cat", "/proc/net/iet/volume"]
      heading = "^tid:(?<number>\\d+) name:(?<target>\\S+)$"
      pattern = "^\\s+lun:0 .*path:(?<device>/\\S+)$"
      ignore  = "^\\s+lun:[1-9]"
    }
    grants {
      command = ["cat", "/etc/iet/initiators.allow"]
      pattern = "^(?<target>iqn\\S+) (?<initiator>\\S+)$"
      ignore  = "."
    }
  }
}

hypervisor "command" "old_xen" {
  host   = host.dom0
  attach = ["xm", "block-attach", "{vm}", "phy:{host_path}", "{device}", "w"]
  detach = ["xm", "block-detach", "{vm}", "{device}"]

  list {
    command = ["xm", "list", "--long", "{vm}"]
    pattern = "^\\s*\\(dev (?<device>[a-z0-9]+)(:disk)?\\)\\s*$"
    ignore  = "^\\s*[()]"
    absent  = "Domain '.*' does not exist"
  }
}

volume "db" {
  pool = pool.fast
  size = "20GiB"
}

# Exported by IET, logged in to by open-iscsi on dom0, attached by xm: the first VBS's own way.
attachment "db_on_web1" {
  volume     = volume.db
  hypervisor = hypervisor.old_xen
  vm         = "web1"
  device     = "xvdb"
}
