#!/usr/bin/env bash
# Summary: gives nginx a certificate, so that it serves HTTPS and sends HTTP there: one's own, or one of an ACME issuer.
# Usage: deploy/certificate.sh own FULLCHAIN.pem PRIVKEY.pem      nginx takes it within a minute
#        deploy/certificate.sh issue HOST EMAIL [SERVER]          of Let's Encrypt, or the ACME directory SERVER, by certbot,
#                                                                 which renews it by its own timer and brings the new one here
#        deploy/certificate.sh check [DAYS]                       fails when it ends within so many days (default: 14)
#        deploy/certificate.sh --help
# For issue: certbot on this host (apt-get install certbot), as root; HOST leads to this host, whose port 80 is HTTP_PORT.
# Exits with: 0 done, 1 it did not work, 2 wrong usage.
set -euo pipefail

usage() { sed -n 's/^# \{0,1\}//; 2,9p' "$0"; }
fail() { echo "certificate: $*" >&2; exit 1; }

here=$(cd "$(dirname "$0")" && pwd)
target=$here/secrets/certificates

case "${1:-}:$#" in
  --help:*) usage; exit 0 ;;
  own:3 | issue:3 | issue:4 | check:1 | check:2) ;;
  *) echo "certificate: expected own, issue or check with what belongs to it, got ${*:-nothing}" >&2; usage >&2; exit 2 ;;
esac
[[ -d $target ]] || fail "there is no $target: run deploy/first-run.sh"

own() {
  local chain=$1 key=$2
  openssl x509 -noout -in "$chain" 2>/dev/null || fail "$chain: expected a certificate in PEM"
  openssl pkey -noout -in "$key" 2>/dev/null || fail "$key: expected a private key in PEM, without a password"
  [[ $(openssl x509 -noout -pubkey -in "$chain") == "$(openssl pkey -pubout -in "$key")" ]] || fail "$key is not the key of $chain"
  openssl x509 -noout -checkend 0 -in "$chain" >/dev/null || fail "$chain: it has ended: $(openssl x509 -noout -enddate -in "$chain")"
  # Each is whole at any time. The folder around is its owner's alone; nginx's user, which is another, reads these.
  install -m 444 "$chain" "$target/fullchain.pem.new"
  install -m 444 "$key" "$target/privkey.pem.new"
  mv "$target/fullchain.pem.new" "$target/fullchain.pem"
  mv "$target/privkey.pem.new" "$target/privkey.pem"
  echo "certificate: $(openssl x509 -noout -subject -enddate -in "$target/fullchain.pem" | tr '\n' ' ')"
  echo "certificate: nginx takes it within a minute. PUBLIC_ORIGIN in .env should begin with https://"
}

case $1 in
  own) own "$2" "$3" ;;
  issue)
    command -v certbot >/dev/null || fail "there is no certbot: apt-get install certbot"
    certbot certonly --non-interactive --agree-tos --keep-until-expiring --webroot --webroot-path "$here/acme" \
      --domain "$2" --email "$3" ${4:+--server "$4"} \
      --deploy-hook "$here/certificate.sh own \"\$RENEWED_LINEAGE/fullchain.pem\" \"\$RENEWED_LINEAGE/privkey.pem\""
    [[ -e $target/privkey.pem ]] || fail "certbot has one, but has not brought it: deploy/certificate.sh own /etc/letsencrypt/live/$2/{fullchain,privkey}.pem"
    ;;
  check)
    [[ -e $target/fullchain.pem ]] || fail "there is none"
    openssl x509 -noout -checkend "$((86400 * ${2:-14}))" -in "$target/fullchain.pem" >/dev/null ||
      fail "it ends soon: $(openssl x509 -noout -enddate -in "$target/fullchain.pem")"
    openssl x509 -noout -enddate -in "$target/fullchain.pem"
    ;;
esac
