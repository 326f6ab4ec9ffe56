pool "file" "fast" {
  path = "/srv/fast"
}

volume "db" {
  pool = pool.fast
  size = "1GiB"
}

volume "old" {
  pool = pool.fast
  size = "1GiB"
}

moved {
  from = volume.old
  to   = volume.db
}
