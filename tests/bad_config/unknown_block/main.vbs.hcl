vloume "db" {
  size = "1GiB"
}
