pool "file" "fast" {
  path = "/srv/fast"
}

volume "db" {
  count = 2
  pool  = pool.fast
  size  = "1GiB"
}

snapshot "s" {
  volume = volume.db
}
