pool "file" "fast" {
  path = "/srv/fast"
}

volume "db" {
  pool = pool.fast
  size = "9223372036854775808"
}

volume "e" {
  pool = pool.fast
  size = "9223372036854775807"
}
