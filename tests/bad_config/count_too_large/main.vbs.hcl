pool "file" "fast" {
  path = "/srv/fast"
}

volume "db" {
  count = 1000001
  pool  = pool.fast
  size  = "1GiB"
}
