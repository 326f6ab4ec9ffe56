# What targets of the kernel need. Nothing is loaded here: a look changes nothing.
if [ "$(id -u)" -eq 0 ]; then printf 'root present\n'; else printf 'root\n'; fi
if [ -d /sys/kernel/config/target ] || modprobe -nq target_core_mod 2>/dev/null; then printf 'configfs present\n'; else printf 'configfs\n'; fi
if python3 -I -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("rtslib_fb") is None)' 2>/dev/null; then
    printf 'rtslib present\n'
else
    printf 'rtslib\n'
fi
if command -v sha256sum >/dev/null; then printf 'sha256sum present\n'; else printf 'sha256sum\n'; fi
