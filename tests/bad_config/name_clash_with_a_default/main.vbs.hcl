pool "file" "fast" {
  path = "/srv/fast"
}

volume "a" {
  count = 2
  pool  = pool.fast
  size  = "1GiB"
}

volume "a_1" {
  pool = pool.fast
  size = "1GiB"
}

snapshot "a_0" {
  volume = volume.a[0]
}
