pool "file" "fast" {
  path = "/srv/fast"
}

volume "db" {
  pool = pool.fats
  size = "1GiB"
}
