pool "file" "fast" {
  path = "/srv/fast"
}

volume "db" {
  count = 0
  pool  = pool.fast
  size  = var.siez
}

variable "size" {
  default = "1GiB"
}

output "o" {
  value = true ? "a" : volume.bd.id
}
