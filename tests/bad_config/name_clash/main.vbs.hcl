pool "file" "fast" {
  path = "/srv/fast"
}

volume "a" {
  pool = pool.fast
  size = "1GiB"
  name = "data"
}

volume "b" {
  pool = pool.fast
  size = "1GiB"
  name = "data"
}
