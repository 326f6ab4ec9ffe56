pool "file" "fast" {
  path = "/srv/fast"
}

volume "db" {
  pool = pool.fast
  size = "1GiB"
  lifecycle {
    ignore_changes = [sise, "labels", volume.db]
  }
}
