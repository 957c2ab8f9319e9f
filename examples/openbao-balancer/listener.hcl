# A listener of OpenBao for the balancer alone.
listener "tcp" {
  address     = "127.0.0.1:8201"
  tls_disable = true # on loopback only: else a certificate of its own here, and "ssl verify required" in HAProxy

  # The balancer's own addresses and no others: whoever asks from them and has a partner's certificate, which is no secret, logs in
  # without its key.
  x_forwarded_for_authorized_addrs      = "127.0.0.1/32"
  x_forwarded_for_reject_not_authorized = true
  x_forwarded_for_reject_not_present    = true
  x_forwarded_for_client_cert_header    = "Client-Cert"
}
