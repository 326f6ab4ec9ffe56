pool "file" "fast" {
  path = "/srv/fast"
}

volume "a" {
  count  = 3
  pool   = pool.fast
  size   = "1GiB"
  labels = { next = volume.a[(count.index + 1) % 3].id }
}
