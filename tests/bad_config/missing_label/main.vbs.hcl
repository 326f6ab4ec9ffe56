pool "file" "fast" {
  path = "/srv/fast"
}

volume {
  pool = pool.fast
  size = "1GiB"
}
