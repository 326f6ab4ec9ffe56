pool "file" "fast" {
  path   = "/srv/fast"
  craete = true
}

pool "flie" "slow" {
  path = "/srv/slow"
}

volume "db" {
  pool = pool.slow
  size = "1GiB"
}

volume "logs" {
  pool = pool.fast
  size = "1Gib"
}
