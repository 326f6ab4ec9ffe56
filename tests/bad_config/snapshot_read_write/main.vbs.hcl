pool "file" "fast" {
  path = "/srv/fast"
}

volume "db" {
  pool = pool.fast
  size = "1GiB"
}

snapshot "before" {
  volume = volume.db
}

hypervisor "directory" "local" {
  path = "/srv/vms"
}

attachment "a" {
  snapshot   = snapshot.before
  hypervisor = hypervisor.local
  vm         = "web1"
  device     = "vdb"
  access     = "read_write"
}
