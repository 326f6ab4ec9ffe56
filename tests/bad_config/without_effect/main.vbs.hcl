pool "file" "fast" {
  path = "/srv/fast"
  wipe = "zero"
}

volume "db" {
  pool = pool.fast
  size = "1GiB"
}

snapshot "before" {
  volume  = volume.db
  reserve = "1GiB"
  quiesce = "always"
}
