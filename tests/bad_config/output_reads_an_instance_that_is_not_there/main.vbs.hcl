pool "file" "fast" {
  path = "/srv/fast"
}

volume "db" {
  count = 2
  pool  = pool.fast
  size  = "1GiB"
}

output "o" {
  value = volume.db[2].path
}

output "p" {
  value = volume.db.path
}
