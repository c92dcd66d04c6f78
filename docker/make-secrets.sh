#!/bin/sh
# Makes what docker-compose.yml reads from ./secrets: random passwords, and a certificate signed by nobody.
# What is there already stays. `docker/make-secrets.sh frs.example.org` names the host in the certificate.
set -eu

host=${1:-localhost}
folder=${FRS_SECRETS:-secrets}
umask 077
# The folder keeps others out; the files must be readable by the users of the containers.
mkdir -p "$folder"
cd "$folder"

random() { openssl rand -hex 24; }
keep() {
    test -s "$1" || { cat > "$1.new" && mv "$1.new" "$1"; }
    chmod 0444 "$1"
}

random | tr -d '\n' | keep frs_database_password
random | tr -d '\n' | keep frs_metrics_token
random | tr -d '\n' | keep frs_session_secret
random | tr -d '\n' | keep grafana_password
# Empty until somebody writes a bearer token into it: only a mirror to MLflow may need one.
test -e frs_mlflow_token || : > frs_mlflow_token
chmod 0444 frs_mlflow_token
if ! test -s store_credentials || ! test -s store_identities; then
    secret=$(random)
    printf '[default]\naws_access_key_id = frs\naws_secret_access_key = %s\n' "$secret" > store_credentials
    printf '{"identities": [{"name": "frs", "credentials": [{"accessKey": "frs", "secretKey": "%s"}], "actions": %s}]}\n' \
        "$secret" '["Read:frs", "Write:frs", "List:frs", "Tagging:frs"]' > store_identities
fi
if ! test -s tls_certificate || ! test -s tls_key; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 825 -keyout tls_key -out tls_certificate \
        -subj "/CN=$host" -addext "subjectAltName=DNS:$host,DNS:localhost,IP:127.0.0.1" 2> /dev/null
fi
chmod 0444 store_credentials store_identities tls_certificate tls_key
