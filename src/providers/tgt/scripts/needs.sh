# Which tgt there is, and what secrets are compared with.
printf 'tgtadm %s\n' "$(tgtadm --version 2>/dev/null || :)"
if command -v sha256sum >/dev/null; then printf 'sha256sum present\n'; else printf 'sha256sum\n'; fi
