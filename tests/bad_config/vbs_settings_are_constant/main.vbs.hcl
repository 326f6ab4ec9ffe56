variable "n" {
  default = "x"
}

vbs {
  name = var.n
}
