# Xen's old `xm`, by templates: volumes on logical volumes of dom0, attached to guests. `vbs` itself knows nothing of
# Xen here; what the commands are is all in the block.

host "dom0" { address = "ssh://root@dom0.example.net" }

pool "lvm" "fast" {
  host         = host.dom0
  volume_group = "vg0"
}

hypervisor "command" "old_xen" {
  host   = host.dom0
  attach = ["xm", "block-attach", "{vm}", "phy:{host_path}", "{device}", "w"]
  detach = ["xm", "block-detach", "{vm}", "{device}"]

  # `xm list --long` prints a tree. A disk is the line `(dev xvdb:disk)`; every other line says nothing here.
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

attachment "db_on_web1" {
  volume     = volume.db
  hypervisor = hypervisor.old_xen
  vm         = "web1"
  device     = "xvdb"
}
