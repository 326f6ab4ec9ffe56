variable "size" {
  type = string
}

variable "n" {}
