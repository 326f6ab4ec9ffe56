locals {
  base = "x"
}

output "o" {
  value = local.bsae
}
