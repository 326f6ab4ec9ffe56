pool "file" "fast" {
  path = "/srv/fast"
}

volume "db" {
  for_each = ["a", "b"]
  pool     = pool.fast
  size     = "1GiB"
}
