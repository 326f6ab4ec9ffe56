pool "file" "fast" {
  path = "/srv/fast"
}

volume "db" {
  pool = pool.fast
  size = "1GiB"
}

volume "copy" {
  pool   = pool.fast
  source = volume.db
  size   = "512MiB"
}

snapshot "before" {
  volume = volume.db
}

volume "copy2" {
  pool   = pool.fast
  source = snapshot.before
  size   = "1023MiB"
}
