pool "file" "fast" {
  path = "/srv/fast"
}

volume "db" {
  count = null
  pool  = pool.fast
  size  = "1GiB"
}
