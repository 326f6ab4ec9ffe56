pool "file" "fast" {
  path = "/srv/fast"
}

volume "db" {
  pool = pool.fast
  size = "1GiB"
}

hypervisor "directory" "local" {
  path = "/srv/vms"
}

attachment "writer" {
  volume     = volume.db
  hypervisor = hypervisor.local
  vm         = "web1"
  device     = "vdb"
  shared     = true
}

attachment "reader" {
  volume     = volume.db
  hypervisor = hypervisor.local
  vm         = "web2"
  device     = "vdb"
  access     = "read_only"
}
