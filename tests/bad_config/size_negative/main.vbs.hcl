pool "file" "fast" {
  path = "/srv/fast"
}

volume "db" {
  pool = pool.fast
  size = -1
}

volume "e" {
  pool = pool.fast
  size = 0
}

volume "f" {
  pool = pool.fast
  size = 1.5
}
