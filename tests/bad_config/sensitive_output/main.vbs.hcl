variable "secret" {
  type      = string
  default   = "x"
  sensitive = true
}

output "o" {
  value = "is ${var.secret}"
}
