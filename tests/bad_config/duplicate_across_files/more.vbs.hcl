volume "db" {
  pool = pool.fast
  size = "1GiB"
}
