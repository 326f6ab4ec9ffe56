pool "file" "fast" {
  path = "/srv/fast"
}

volume "a" {
  pool   = pool.fast
  size   = "1GiB"
  labels = { other = volume.b.path }
}

volume "b" {
  pool   = pool.fast
  size   = "1GiB"
  labels = { other = local.x }
}

locals {
  x = snapshot.s.path
}

snapshot "s" {
  volume = volume.a
}
