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

volume "b" {
  pool = volume.db
  size = "1GiB"
}

snapshot "s" {
  volume = pool.fast
}

attachment "a" {
  snapshot   = volume.db
  hypervisor = hypervisor.local
  vm         = "web1"
  device     = "vdb"
}
