# Lists and what is looked for in them. Behind `command.sh`.

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# What cannot be read ends the frame: it is never taken for an absence.

# Every item of a JSON text as a line of its fields, set apart by tabs. Strings are kept as they are written.
as_lines() {
    vbs_filter=$filter awk '
        function opened(kind) { depth++; type[depth] = kind; key[depth] = kind == "[" ? "#" : ""; wants_key = kind == "{" }
        function place(upto,  k, path) {
            path = ""
            for (k = 1; k < upto; k++) path = path (k > 1 ? "." : "") key[k]
            return path
        }
        function scalar(text,  k, path) {
            if (!item) return
            path = key[item]
            for (k = item + 1; k <= depth; k++) path = path "." key[k]
            got[path] = text
        }
        BEGIN { count = split(ENVIRON["vbs_filter"], part, "\n"); depth = 0; item = 0; lists = 0; odd = 0 }
        { text = text $0 "\n" }
        END {
            size = length(text)
            at = 1
            while (at <= size) {
                c = substr(text, at, 1)
                if (c == "{") {
                    if (!item && depth && type[depth] == "[" && place(depth) == part[2]) {
                        item = depth + 1
                        split("", got)
                    }
                    opened("{")
                } else if (c == "[") {
                    opened("[")
                    if (!item && place(depth) == part[2]) lists++
                }
                else if (c == "}" || c == "]") {
                    if (item && depth == item) {
                        line = ""
                        for (k = 3; k < count; k++) line = line (k > 3 ? "\t" : "") got[part[k]]
                        print line
                        item = 0
                    }
                    if (--depth < 0) odd = 1
                    wants_key = 0
                } else if (c == ",") wants_key = (type[depth] == "{")
                else if (c == "\"") {
                    from = ++at
                    while (at <= size && (d = substr(text, at, 1)) != "\"") at += (d == "\\") ? 2 : 1
                    word = substr(text, from, at - from)
                    if (wants_key) { key[depth] = word; wants_key = 0 } else scalar(word)
                } else if (c ~ /[-+0-9a-zA-Z]/) {
                    from = at
                    while (at <= size && substr(text, at, 1) ~ /[-+.0-9a-zA-Z]/) at++
                    word = substr(text, from, at - from)
                    if (word != "null") scalar(word)
                    at--
                } else if (c !~ /[ \t\r\n:]/) odd = 1
                at++
            }
            if (odd || depth || lists != 1) exit 3
        }'
}

# Puts the heading that a line stands under before it, and a separator between them; $1 is what headings look like.
under_headings() {
    vbs_heads=$(printf '%s\n' "$rows" | grep -nE -e "$1") || :
    printf '%s\n' "$rows" | vbs_heads=$vbs_heads awk '
        BEGIN { count = split(ENVIRON["vbs_heads"], all, "\n"); for (k = 1; k <= count; k++) is[all[k] + 0] = 1 }
        NR in is { heading = $0; print heading "\037"; next }
        { print heading "\037" $0 }'
}

# What is listed now, into $rows. $1 ends the frame where that cannot be told. $2 is the command that lists, $3 how its
# output becomes rows.
look_at() {
    told=0
    rows=$(
        rest=$2
        listed
    ) || told=$?
    [ "$told" -eq 0 ] || "$1" "what there is cannot be told: the command of \`list\` ended with status $told"
    case $3 in
        json*)
            rows=$(printf '%s\n' "$rows" | filter=$3 as_lines) || "$1" "what there is cannot be told: the list is not the JSON it should be"
            ;;
        *)
            heads=
            others=${3#*"$nl"}
            case $3 in
                headed*)
                    heads=${others%%"$nl"*}
                    others=${others#*"$nl"}
                    ;;
            esac
            ours_now=${others%%"$nl"*}
            others=${others#*"$nl"}
            strange=$(printf '%s\n' "$rows" | grep -vE -e "$ours_now" -e "${others%%"$nl"*}" ${heads:+-e "$heads"}) || :
            [ -z "$strange" ] || "$1" "what there is cannot be told: the list holds the line ${strange%%"$nl"*}"
            if [ -n "$heads" ]; then rows=$(under_headings "$heads") || "$1" "what there is cannot be told"; fi
            ;;
    esac
}

look() { look_at "$1" "$lister" "$filter"; }

# Whether what is listed fulfils every line of $1.
holds() {
    rest=$1
    while [ -n "$rest" ]; do
        line=${rest%%"$nl"*}
        rest=${rest#*"$nl"}
        found=$(printf '%s\n' "$rows" | grep -cE -e "${line#* }") || :
        [ "$found" = "${line%% *}" ] || return 1
    done
}

# What is listed under the name, for messages.
shown() {
    named=$(printf '%s\n' "$rows" | grep -F -e "${name##*[/ ]}") || :
    named=${named%%"$nl"*}
    put_in "${named:-nothing that is called $name}" "$(printf '\037')" ' '
    printf '%s' "$filled"
}
