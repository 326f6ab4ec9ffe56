pool "file" "fast" {
  path = "/srv/fast"
}

volume "db" {
  pool = pool.fast
  size = "1GiB"
  lifecycle {
    prevent_destroy = "perhaps"
  }
}
