pool "file" "fast" {
  path = "/srv/fast"
}

volume "db" {
  for_each = toset([1, 2])
  pool     = pool.fast
  size     = "${each.value}GiB"
}

volume "other" {
  for_each = 7
  pool     = pool.fast
  size     = "1GiB"
}
