# What a store of files needs: names that may hold anything are listed with `find -printf`.
if find / -maxdepth 0 -printf '' 2>/dev/null; then printf 'find present\n'; else printf 'find\n'; fi
if stat -c %s / >/dev/null 2>&1; then printf 'stat present\n'; else printf 'stat\n'; fi
