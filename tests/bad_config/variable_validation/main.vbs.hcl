variable "size" {
  type    = string
  default = "1MiB"
  validation {
    condition     = bytes(var.size) >= bytes("1GiB")
    error_message = "The database volume needs at least 1 GiB, not ${var.size}."
  }
}
