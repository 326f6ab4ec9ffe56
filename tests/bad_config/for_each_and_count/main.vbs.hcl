pool "file" "fast" {
  path = "/srv/fast"
}

volume "db" {
  for_each = toset(["a"])
  count    = 1
  pool     = pool.fast
  size     = "1GiB"
}
