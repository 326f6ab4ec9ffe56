# The serial of disk $1 (a directory below /sys) as its target told it, into $told: page 0x80, whose four bytes of header are
# NUL, 0x80 and the length in two. The shell's read leaves NUL out, and so costs no process.
serial_of() {
    told=
    { IFS= read -r told; } 2>/dev/null <"$1/device/vpd_pg80" || :
    # A length that is a line end or NUL leaves less: it counts as not told.
    case $told in ??*) told=${told#??} ;; *) told= ;; esac
    while :; do
        case $told in *' '*) told=${told%%' '*}${told#*' '} ;; *) break ;; esac
    done
}
