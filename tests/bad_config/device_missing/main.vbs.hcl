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

attachment "a" {
  volume     = volume.db
  hypervisor = hypervisor.local
  vm         = "web1"
}
