variable "db_size" {
  type    = string
  default = "1GiB"
}

pool "file" "fast" {
  path = "/srv/fast"
}

volume "db" {
  pool = pool.fast
  size = var.dbsize
}
