# What stands for the secret $3 of user $2 at target $1 where it is compared, into $fingerprint: the first 16 digits of a SHA-256, or
# nothing where there is no secret.
take_fingerprint() {
    fingerprint=
    [ -n "$3" ] || return 0
    fingerprint=$(printf '%s %s %s' "$1" "$2" "$3" | sha256sum)
    fingerprint=${fingerprint%"${fingerprint#????????????????}"}
}
