# A target server that vbs does not know, let in by templates: here the commands of tgtd's `tgtadm`, and a host with Xen
# whose `xl` attaches what it has logged in to. Where a provider of vbs's own is there, use that one: `export "tgt"`
# keeps its targets over a restart, and these templates do not.

variable "portal" {
  type        = string
  default     = "10.0.0.2:3260"
  description = "Where tgtd listens."
}

variable "control" {
  type        = string
  default     = "0"
  description = "The control port of tgtd."
}

host "store1" { address = "ssh://root@store1.example.net" }
host "dom0" { address = "ssh://root@dom0.example.net" }

locals {
  tgtadm  = ["tgtadm", "-C", var.control, "--lld", "iscsi"]
  targets = concat(local.tgtadm, ["--op", "show", "--mode", "target"])
  reopen = [for what in ["online=0", "path={device}"] :
  concat(local.tgtadm, ["--op", "update", "--mode", "logicalunit", "--tid", "{number}", "--lun", "{lun}", "--params", what])]
  heading = "^Target (?<number>\\d+): (?<target>\\S+)$"
}

pool "lvm" "fast" {
  host         = host.store1
  volume_group = "vg0"

  export "command" {
    portal = var.portal
    lun    = 1 # LUN 0 of tgtd is a controller
    by_id  = "/dev/disk/by-id/wwn-0x{naa}"

    # {number} is the first that is free, or the one that the target has.
    export = [
      concat(local.tgtadm, ["--op", "new", "--mode", "target", "--tid", "{number}", "-T", "{target}"]),
      concat(local.tgtadm, ["--op", "new", "--mode", "logicalunit", "--tid", "{number}", "--lun", "{lun}", "-b", "{device}"]),
      concat(local.tgtadm, ["--op", "update", "--mode", "logicalunit", "--tid", "{number}", "--lun", "{lun}",
      "--params", "scsi_sn={serial},scsi_id={scsi_id},readonly={readonly}"]),
    ]
    withdraw = concat(local.tgtadm, ["--op", "delete", "--mode", "target", "--tid", "{number}"])

    grant  = concat(local.tgtadm, ["--op", "bind", "--mode", "target", "--tid", "{number}", "-Q", "{initiator}"])
    revoke = concat(local.tgtadm, ["--op", "unbind", "--mode", "target", "--tid", "{number}", "-Q", "{initiator}"])

    # tgtd shows another device, and a new size, when it opens the device anew.
    update = local.reopen
    grow   = local.reopen

    # A target is a heading, and below it stand what it offers and who is let in.
    list {
      command = local.targets
      heading = local.heading
      pattern = "^ +Backing store path: (?<device>/\\S+)$"
      ignore  = "."
    }
    grants {
      command = local.targets
      heading = local.heading
      pattern = "^ {8}(?<initiator>(iqn|eui|naa)\\.\\S+|ALL|[0-9][0-9.:a-f/]*)$"
      ignore  = "."
    }
  }
}

hypervisor "command" "xen" {
  host   = host.dom0
  attach = ["xl", "block-attach", "{vm}", "phy:{host_path},{device},w"]
  detach = ["xl", "block-detach", "{vm}", "{device}"]

  # `xl list -l` prints a tree, in which a disk is a line `"pdev_path": …` and below it `"vdev": …`.
  list {
    command = ["xl", "list", "-l", "{vm}"]
    heading = "^\\s*\"pdev_path\": \"(?<host_path>[^\"]*)\",$"
    pattern = "^\\s*\"vdev\": \"(?<device>[a-z0-9]+)\",$"
    ignore  = "."
    absent  = "is an invalid domain identifier"
  }
}

volume "db" {
  pool = pool.fast
  size = "20GiB"
}

attachment "db_on_web1" {
  volume     = volume.db
  hypervisor = hypervisor.xen
  vm         = "web1"
  device     = "xvdb"
}
