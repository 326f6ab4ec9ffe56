volume "db" {
  pool = "fast"
  size = "1GiB"
}
