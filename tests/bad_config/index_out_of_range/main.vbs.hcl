output "a" {
  value = [1, 2][2]
}

output "b" {
  value = { x = 1 }["y"]
}

output "c" {
  value = "text".x
}
