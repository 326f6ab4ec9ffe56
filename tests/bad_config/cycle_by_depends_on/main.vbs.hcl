pool "file" "fast" {
  path = "/srv/fast"
}

volume "a" {
  pool       = pool.fast
  size       = "1GiB"
  depends_on = [volume.b]
}

volume "b" {
  pool       = pool.fast
  size       = "1GiB"
  depends_on = [volume.a]
}
