# What speaking QMP needs: a connection to a UNIX socket that a shell can hold a conversation on.
if said=$(socat -V 2>/dev/null); then
    said=${said#*socat version }
    printf 'socat %s\n' "${said%% *}"
else
    printf 'socat\n'
fi
if find / -maxdepth 0 -printf '' 2>/dev/null; then printf 'find present\n'; else printf 'find\n'; fi
