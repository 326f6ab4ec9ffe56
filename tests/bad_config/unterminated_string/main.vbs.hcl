output "o" {
  value = "x
}
