pool "file" "fast" {
  path = "/srv/fast"
}

volume "db" {
  for_each = { for key, one in volume.db : key => one }
  pool     = pool.fast
  size     = "1GiB"
}
