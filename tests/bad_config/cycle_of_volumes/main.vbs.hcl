pool "file" "fast" {
  path = "/srv/fast"
}

volume "a" {
  pool   = pool.fast
  source = volume.b
}

volume "b" {
  pool   = pool.fast
  source = volume.c
}

volume "c" {
  pool   = pool.fast
  source = volume.a
}
