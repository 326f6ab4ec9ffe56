pool "file" "fast" {
  path = "/srv/fast"
}

volume "db" {
  pool = pool.fast
  size = "1GiB"
  size = "2GiB"
}
