# A credential is imported by the id of its identity and its kind: federated, certificate, ssh_certificate or secret.
terraform import partner_credential.certificate acme/prod/orders-etl/certificate
