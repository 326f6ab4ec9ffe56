pool "file" "fast" {
  path = "/srv/fast"
}

volume "db" {
  count = 1.5
  pool  = pool.fast
  size  = "1GiB"
}
