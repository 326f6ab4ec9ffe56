pool "file" "fast" {
  path = "/srv/fast"
}

volume "db" {
  count = 5000
  pool  = pool.fast
  size  = "1Gib"
}
