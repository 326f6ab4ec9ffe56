# Running what a template says. Arguments were filled in by vbs and travel one a line; they become "$@" and are read by
# no shell.
nl='
'

# Runs the first command of $rest: the number of its arguments, then the arguments. It is bounded, for it only reads.
listed() {
    count=${rest%%"$nl"*}
    rest=${rest#*"$nl"}
    set --
    while [ "$count" -gt 0 ]; do
        set -- "$@" "${rest%%"$nl"*}"
        rest=${rest#*"$nl"}
        count=$((count - 1))
    done
    timeout -k 5 "$patience" "$@" </dev/null
}

# Leaves the commands behind the first one in $rest.
skip() {
    count=${rest%%"$nl"*}
    rest=${rest#*"$nl"}
    while [ "$count" -gt 0 ]; do
        rest=${rest#*"$nl"}
        count=$((count - 1))
    done
}
