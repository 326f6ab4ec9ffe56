locals {
  a = range(1000)
  b = [for x in local.a : [for y in local.a : [for z in local.a : [x, y, z]]]]
}

output "o" {
  value = length(local.b)
}
