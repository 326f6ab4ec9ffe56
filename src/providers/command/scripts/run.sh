# Runs the commands of a template. Words in them may stand for what only the host knows: a control character each for the
# secret, which came on standard input, and for the number that a server knows a target by.
secret_mark=$(printf '\001')
number_mark=$(printf '\002')
secret=
number=

read_secret() {
    [ -n "$secrets" ] || return 0
    IFS= read -r secret || :
    [ -n "$secret" ] || vbs_refuse "no secret came for $name"
}

# $1 with $3 in every place of $2, into $filled.
put_in() {
    filled=
    tail=$1
    while :; do
        case $tail in
            *"$2"*)
                filled=$filled${tail%%"$2"*}$3
                tail=${tail#*"$2"}
                ;;
            *) break ;;
        esac
    done
    filled=$filled$tail
}

# The number of the target, where it is listed; for a new one the first that nobody has. $1 ends the frame where that
# cannot be told.
find_number() {
    number=
    [ -n "$ours" ] || return 0
    rows_were=$rows
    look_at "$1" "$counter" "$counted"
    number=$(printf '%s\n' "$rows" | sed -nE "$ours") || "$1" "the number of $name cannot be told"
    number=${number%%"$nl"*}
    if [ -z "$number" ] && [ -n "$taken" ]; then
        others=$(printf '%s\n' "$rows" | sed -nE "$taken") || "$1" "which numbers are free cannot be told"
        number=1
        while :; do
            case "$nl$others$nl" in
                *"$nl$number$nl"*) number=$((number + 1)) ;;
                *) break ;;
            esac
        done
    fi
    rows=$rows_were
}

# Runs the commands in $1: `stop` ends at the first that fails, `all` goes on, for a part of what they remove may be gone.
# $said is the status of the one that failed, $program what it is called, $many whether there are several.
run() {
    rest=$1
    mode=$2
    said=0
    program=
    many=
    while [ -n "$rest" ]; do
        [ -z "$program" ] || many=yes
        count=${rest%%"$nl"*}
        rest=${rest#*"$nl"}
        set --
        lacks=
        while [ "$count" -gt 0 ]; do
            word=${rest%%"$nl"*}
            rest=${rest#*"$nl"}
            count=$((count - 1))
            case $word in
                *"$number_mark"*) [ -n "$number" ] || lacks=yes ;;
            esac
            put_in "$word" "$number_mark" "$number"
            put_in "$filled" "$secret_mark" "$secret"
            set -- "$@" "$filled"
        done
        program=$1
        # What is not listed has no number, and nothing to remove.
        if [ -n "$lacks" ]; then continue; fi
        status=0
        if [ -n "$input" ]; then
            put_in "$input" "$number_mark" "$number"
            put_in "$filled" "$secret_mark" "$secret"
            printf '%s' "$filled" | "$@" >&2 || status=$?
        else
            "$@" </dev/null >&2 || status=$?
        fi
        [ "$status" -eq 0 ] || said=$status
        if [ "$mode" = stop ] && [ "$said" -ne 0 ]; then return 0; fi
    done
}
