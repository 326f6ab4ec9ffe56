pool "file" "fast" {
  path = "/srv/fast"
}

volume "db" {
  pool = pool.fast
  size = "1GiB"
}

moved {
  from = volume.x
  to   = volume.db
}

moved {
  from = volume.y
  to   = volume.db
}
