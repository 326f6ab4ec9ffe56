pool "file" "fast" {
  path = "/srv/fast"
}

volume "a" {
  pool   = pool.fast
  source = volume.a
}
