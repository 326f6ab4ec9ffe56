pool "file" "fast" {
  path = "/srv/fast"
}

volume "db" {
  for_each = null
  pool     = pool.fast
  size     = "1GiB"
}
