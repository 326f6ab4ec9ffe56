pool "file" "fast" {
  path = "/srv/fast"
}

volume "v0" {
  pool = pool.fast
  size = "1GiB"
  name = "--yes"
}

volume "v1" {
  pool = pool.fast
  size = "1GiB"
  name = "../x"
}

volume "v2" {
  pool = pool.fast
  size = "1GiB"
  name = "a/b"
}

volume "v3" {
  pool = pool.fast
  size = "1GiB"
  name = "a\nb"
}

volume "v4" {
  pool = pool.fast
  size = "1GiB"
  name = "$(reboot)"
}

volume "v5" {
  pool = pool.fast
  size = "1GiB"
  name = ""
}

volume "v6" {
  pool = pool.fast
  size = "1GiB"
  name = "."
}

volume "v7" {
  pool = pool.fast
  size = "1GiB"
  name = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
}
