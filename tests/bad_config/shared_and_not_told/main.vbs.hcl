pool "file" "fast" {
  path = "/srv/fast"
}

volume "db" {
  pool = pool.fast
  size = "1GiB"
}

hypervisor "command" "xen" {
  attach = ["xm", "block-attach", "{vm}", "phy:{host_path}", "{device}", "w"]
  detach = ["xm", "block-detach", "{vm}", "{device}"]
  list {
    command = ["xm", "block-list", "{vm}"]
    pattern = "^(?<device>\\S+) (?<host_path>\\S+)$"
  }
}

attachment "a" {
  volume     = volume.db
  hypervisor = hypervisor.xen
  vm         = "web1"
  device     = "xvdb"
  shared     = true
}

attachment "b" {
  volume     = volume.db
  hypervisor = hypervisor.xen
  vm         = "web2"
  device     = "xvdb"
  shared     = true
}
