pool "file" "fast" {
  path = "/srv/fast"
}

volume "db" {
  pool = pool.fast
  size = "1GiB"
}

locals {
  state = volume.db.status
}

volume "b" {
  pool   = pool.fast
  size   = "1GiB"
  labels = { state = local.state }
}
