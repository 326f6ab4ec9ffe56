pool "file" "fast" {
  path = "/srv/fast"
}

volume "db" {
  count = pool.fast.free > 0 ? 1 : 0
  pool  = pool.fast
  size  = "1GiB"
}
