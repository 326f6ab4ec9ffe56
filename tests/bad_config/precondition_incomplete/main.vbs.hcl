pool "file" "fast" {
  path = "/srv/fast"
}

volume "db" {
  pool = pool.fast
  size = "1GiB"
  lifecycle {
    precondition {
      condition = true
    }
    postcondition {
      error_message = "x"
    }
  }
}
