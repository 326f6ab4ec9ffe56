variable "pin" {
  type      = number
  sensitive = true
}
