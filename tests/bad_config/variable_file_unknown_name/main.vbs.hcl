variable "db_size" {
  default = "1GiB"
}
