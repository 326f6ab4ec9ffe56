# What tgtd serves, and what it would serve after a restart. A secret stays here: its fingerprint stands for it.
printf 'targets\t%s\0' "$said"
for each in "$config"/vbs.*.conf; do
    exists "$each" || continue
    found=
    name=
    while IFS= read -r line || [ -n "$line" ]; do
        case $line in
            '<target '*'>')
                name=${line#<target }
                name=${name%>}
                ;;
            '    incominguser '*' '*)
                secret=${line#    incominguser }
                user=${secret%% *}
                secret=${secret#* }
                digest=$(printf '%s %s %s' "$name" "$user" "$secret" | sha256sum)
                line="    incominguser $user ${digest%"${digest#????????????????}"}"
                ;;
            *)
                word=${line#"${line%%[! 	]*}"}
                case ${word%%[ 	]*} in *[Uu][Ss][Ee][Rr]*) line='    another user' ;; esac
                ;;
        esac
        found="$found$line
"
    done <"$each"
    each=${each##*/vbs.}
    printf 'conf\t%s\t%s\0' "${each%.conf}" "$found"
done
