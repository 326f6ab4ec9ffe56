pool "file" "fast" {
  path = "/srv/fast"
}

volume "db" {
  for_each = toset(["a", "b"])
  pool     = pool.fast
  size     = "1GiB"
}

output "o" {
  value = volume.db["c"].path
}
