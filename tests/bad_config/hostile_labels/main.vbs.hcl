pool "file" "fast" {
  path = "/srv/fast"
}

volume "--yes" {
  pool = pool.fast
  size = "1GiB"
}

volume "../x" {
  pool = pool.fast
  size = "1GiB"
}

volume "a/b" {
  pool = pool.fast
  size = "1GiB"
}

volume "Db" {
  pool = pool.fast
  size = "1GiB"
}

volume "a b" {
  pool = pool.fast
  size = "1GiB"
}

volume "1db" {
  pool = pool.fast
  size = "1GiB"
}

volume "" {
  pool = pool.fast
  size = "1GiB"
}

volume "é" {
  pool = pool.fast
  size = "1GiB"
}

volume "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" {
  pool = pool.fast
  size = "1GiB"
}

volume "a\nb" {
  pool = pool.fast
  size = "1GiB"
}
