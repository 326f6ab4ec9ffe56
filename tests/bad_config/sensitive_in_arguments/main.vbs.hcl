variable "secret" {
  type      = string
  default   = "1GiB"
  sensitive = true
}

pool "file" "fast" {
  path = "/srv/fast"
}

volume "a" {
  pool = pool.fast
  size = var.secret
}

volume "b" {
  pool = pool.fast
  size = "1GiB"
  name = "x-${var.secret}"
}

volume "c" {
  pool   = pool.fast
  size   = "1GiB"
  labels = { a = var.secret }
}
