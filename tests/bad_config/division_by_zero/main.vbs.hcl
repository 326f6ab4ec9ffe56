output "o" {
  value = 1 / 0
}

output "p" {
  value = 1 % 0
}
