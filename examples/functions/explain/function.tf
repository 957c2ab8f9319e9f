output "rolling" {
  value = provider::partner::explain("expiry/rolling")
}
