pool "file" "fast" {
  path = "/srv/fast"
}

volume "a" "b" {
  pool = pool.fast
  size = "1GiB"
}
