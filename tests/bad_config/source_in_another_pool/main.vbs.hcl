pool "file" "fast" {
  path = "/srv/fast"
}

pool "file" "slow" {
  path = "/srv/slow"
}

volume "db" {
  pool = pool.fast
  size = "1GiB"
}

volume "copy" {
  pool   = pool.slow
  source = volume.db
}
