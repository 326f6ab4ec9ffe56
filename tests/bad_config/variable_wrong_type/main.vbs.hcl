variable "n" {
  type    = number
  default = "many"
}

variable "o" {
  type    = object({ a = string, b = number })
  default = { a = "x" }
}

variable "t" {
  type = strnig
}
