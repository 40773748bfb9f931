"""What tests share: instruments, chips, packets, data of others."""
