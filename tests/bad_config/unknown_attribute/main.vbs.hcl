pool "file" "fast" {
  path = "/srv/fast"
}

volume "db" {
  pool = pool.fast
  sise = "1GiB"
}
