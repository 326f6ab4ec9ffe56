pool "file" "fast" {
  path = "/srv/fast"
}

volume "db" {
  pool       = pool.fast
  size       = "1GiB"
  depends_on = ["volume.x", var.y, volume.nope]
}
