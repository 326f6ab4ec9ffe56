output "a" {
  value = "x" + 1
}

output "b" {
  value = !5
}

output "c" {
  value = [1] > 2
}

output "d" {
  value = "x" ? 1 : 2
}
