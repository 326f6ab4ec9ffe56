pool "file" "fast" {
  path = "/srv/fast"
}

volume "db" {
  pool = pool.fast
  size = "20 gigs"
}

volume "logs" {
  pool = pool.fast
  size = "20G"
}
