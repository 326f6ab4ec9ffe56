pool "file" "fast" {
  path = "/srv/fast"
}

volume "db" {
  pool = pool.fast
  size = "1GiB"
}

snapshot "before" {
  volume = volume.db
}

volume "b" {
  pool   = pool.fast
  size   = pool.fast.free
  labels = { taken = snapshot.before.created_at }
}
