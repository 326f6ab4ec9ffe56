pool "file" "fast" {
  path = "/srv/fast"
}

variable "a" {
  default = "x"
  validation {
    condition     = volume.db.id != var.a
    error_message = "no"
  }
}

volume "db" {
  pool = pool.fast
  size = "1GiB"
}
