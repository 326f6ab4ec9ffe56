variable "names" {
  type      = set(string)
  default   = ["a"]
  sensitive = true
}

pool "file" "fast" {
  path = "/srv/fast"
}

volume "db" {
  for_each = var.names
  pool     = pool.fast
  size     = "1GiB"
}
